import type { PackageRecord } from '#shared/core/packages/judge.ts';
import type { PackageManifest } from '#shared/core/packages/model.ts';
import type { Journal } from './journal.ts';

type Version = Pick<PackageManifest, 'name' | 'packageVersion'>;
const same = (a: Version, b: Version): boolean => a.name === b.name && a.packageVersion === b.packageVersion;

export const packageRecordOf = ({ packages }: Journal, of: Version): PackageRecord | undefined =>
  packages.find((record) => same(record, of));

/** Notes that an attempt begins. Another version of a package starts to count anew. */
export function beginPackage(journal: Journal, { name, packageVersion }: Version, at: string): Journal {
  const attempts = (packageRecordOf(journal, { name, packageVersion })?.attempts ?? 0) + 1;
  const others = journal.packages.filter((record) => record.name !== name);
  return { ...journal, packages: [...others, { name, packageVersion, attempts, at, outcome: 'running' }] };
}

/** Notes how the attempt ended. */
export const endPackage = (
  journal: Journal,
  of: Version,
  end: { readonly at: string; readonly outcome: PackageRecord['outcome']; readonly detail: string },
): Journal => ({
  ...journal,
  packages: journal.packages.map((record) =>
    same(record, of)
      ? { name: record.name, packageVersion: record.packageVersion, attempts: record.attempts, ...end }
      : record,
  ),
});

/** Takes an attempt back that never reached the machine. */
export function cancelPackage(journal: Journal, of: Version, before: Journal): Journal {
  const earlier = packageRecordOf(before, of);
  const others = journal.packages.filter((record) => !same(record, of));
  return { ...journal, packages: earlier === undefined ? others : [...others, earlier] };
}

/** @param error undefined: the file came, and earlier failures do not matter any more */
export function notePackageDownload(journal: Journal, sha256: string, error: string | undefined): Journal {
  const others = journal.packageDownloads.filter((record) => record.sha256 !== sha256);
  return { ...journal, packageDownloads: error === undefined ? others : [...others, { sha256, error }] };
}

/** Drops what a look at the machine made pointless: records of packages that are installed, or are not for this host any more. */
export function settlePackages(journal: Journal, open: readonly PackageManifest[]): Journal {
  const files = new Set(open.flatMap((manifest) => manifest.files.map(({ sha256 }) => sha256)));
  return {
    ...journal,
    packages: journal.packages.filter((record) => open.some((manifest) => same(manifest, record))),
    packageDownloads: journal.packageDownloads.filter(({ sha256 }) => files.has(sha256)),
  };
}
