/** The repository as its publisher wrote it. Nothing is proved here: who reads it so also writes it. */
import type { RepositoryKey } from '../contract/keys.ts';
import type { TrustRole } from '../contract/trust.ts';
import type { AdministratorsPart } from './author.ts';
import { parseMetadata, type RoleMetadata } from './metadata.ts';
import { RepositoryError } from './repository-error.ts';

/** One whole version. */
export interface Published extends AdministratorsPart {
  readonly feed: RoleMetadata<'feed'>;
  readonly snapshot: RoleMetadata<'snapshot'>;
  readonly timestamp: RoleMetadata<'timestamp'>;
}

type Read = (key: RepositoryKey) => Promise<string | undefined>;

/**
 * The version that the timestamp names.
 *
 * @param knownRoot a version of root that is known to be there, from which newer ones are looked for
 * @returns `undefined` before the first version
 * @throws RepositoryError `malformed`, `not-found` for a repository that is damaged
 */
export async function readPublished(read: Read, knownRoot = 1): Promise<Published | undefined> {
  const text = await read({ kind: 'timestamp' });
  if (text === undefined) return undefined;
  const timestamp = parseMetadata('timestamp', text);
  const snapshot = await readVersion(read, 'snapshot', timestamp.signed.snapshotMeta.version);
  const part = <R extends 'targets' | 'rules' | 'custom' | 'agent' | 'feed'>(role: R): Promise<RoleMetadata<R>> => {
    const version = snapshot.signed.meta[`${role}.json`]?.version;
    if (version === undefined) throw new RepositoryError('malformed', role, `the snapshot names no ${role}`);
    return readVersion(read, role, version);
  };
  const [root, targets, rules, custom, agent, feed] = await Promise.all([
    newestRoot(read, knownRoot),
    part('targets'),
    part('rules'),
    part('custom'),
    part('agent'),
    part('feed'),
  ]);
  return { root, targets, rules, custom, agent, feed, snapshot, timestamp };
}

async function readVersion<R extends Exclude<TrustRole, 'timestamp'>>(
  read: Read,
  role: R,
  version: number,
): Promise<RoleMetadata<R>> {
  const text = await read({ kind: 'metadata', role, version });
  if (text === undefined) throw new RepositoryError('not-found', role, `${role} of version ${version} is lost`);
  return parseMetadata(role, text);
}

async function newestRoot(read: Read, known: number): Promise<RoleMetadata<'root'>> {
  let newest = await readVersion(read, 'root', known);
  for (;;) {
    const text = await read({ kind: 'metadata', role: 'root', version: newest.signed.version + 1 });
    if (text === undefined) return newest;
    newest = parseMetadata('root', text);
  }
}
