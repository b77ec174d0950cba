import type { Cleaned } from '#shared/contract/operators/cleaning.ts';
import { requireSigned } from '#shared/repository/metadata.ts';
import { listPackages } from '#shared/repository/packages.ts';
import { readPublished } from '#shared/repository/published.ts';
import { RepositoryError } from '#shared/repository/repository-error.ts';
import type { CleanPorts } from './ports.ts';

type Amounts = Cleaned['packages'] & object;

/**
 * Deletes files that no signed package names, when that was so for the grace period: uploads that were given up, and what
 * belonged to packages that are gone. While it is not known what is signed, nothing is deleted.
 *
 * @returns undefined when nothing was looked at
 */
export async function cleanPackageFiles(
  { packages, repository }: Pick<CleanPorts, 'packages' | 'repository'>,
  { now, grace, dryRun }: { readonly now: number; readonly grace: number; readonly dryRun: boolean },
): Promise<Amounts | undefined> {
  const named = await namedFiles(repository);
  if (named === undefined) return undefined;
  const before = await packages.unnamed();
  const since = new Map<string, string>();
  const none = { files: 0, bytes: 0 };
  const amounts = { needed: { ...none }, waiting: { ...none }, removed: { ...none } };
  const due: string[] = [];
  for await (const { sha256, size } of packages.list()) {
    const unnamedSince = before.get(sha256) ?? new Date(now).toISOString();
    const isNamed = named.has(sha256);
    const isDue = !isNamed && now - Date.parse(unnamedSince) >= grace;
    const amount = amounts[isNamed ? 'needed' : isDue ? 'removed' : 'waiting'];
    amount.files += 1;
    amount.bytes += size;
    if (isDue) due.push(sha256);
    else if (!isNamed) since.set(sha256, unnamedSince);
  }
  if (dryRun) return amounts;
  for (const sha256 of due) await packages.remove(sha256);
  if (since.size > 0 || before.size > 0) await packages.noteUnnamed(since);
  return amounts;
}

/** SHA-256 of all files of signed packages; `undefined` when that is not known for certain. */
async function namedFiles(repository: CleanPorts['repository']): Promise<ReadonlySet<string> | undefined> {
  try {
    const published = await readPublished((key) => repository.read(key));
    if (published === undefined) return new Set();
    const { root, targets, custom } = published;
    // Somebody who has the publisher's role shall not make files go.
    requireSigned(root, 'targets', targets);
    requireSigned(targets, 'custom', custom);
    return new Set(listPackages(custom).flatMap(({ files }) => files.map(({ sha256 }) => sha256)));
  } catch (error) {
    if (error instanceof RepositoryError) return undefined;
    throw error;
  }
}
