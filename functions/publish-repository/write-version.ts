import type { RepositoryKey } from '#shared/contract/keys.ts';
import type { TrustRole } from '#shared/contract/trust.ts';
import {
  isDue,
  type SnapshotParts,
  signedAtOf,
  signFeed,
  signSnapshot,
  signTimestamp,
} from '#shared/repository/compose.ts';
import { type RoleMetadata, sha256Of, textOf } from '#shared/repository/metadata.ts';
import type { Published } from '#shared/repository/published.ts';
import { RepositoryError } from '#shared/repository/repository-error.ts';
import type { TargetDocument } from '#shared/repository/targets.ts';
import type { CheckedChange } from '#shared/repository/verify-change.ts';
import type { PublishPorts } from './ports.ts';

/** Roles of a version, as they shall be. */
export interface NextVersion extends CheckedChange {
  readonly feed: RoleMetadata<'feed'>;
  /** What the feed names. */
  readonly feedTargets: Parameters<typeof signFeed>[0];
}

export interface Written {
  readonly changed: boolean;
  /** Of the timestamp. */
  readonly version: number;
  readonly ageSeconds: number;
}

/** Somebody wrote other bytes where administrators' next version belongs: the one after it must be signed. */
export class NumberTaken extends RepositoryError {
  constructor(role: TrustRole, version: number) {
    super('conflict', role, `${role} of version ${version} is there already, with other bytes: sign the next one`);
  }
}

type WritePorts = Pick<PublishPorts, 'repository' | 'signer' | 'now'>;

/**
 * Writes what is new, on top of the version that is out if there is one. The timestamp makes it visible. All that has a number
 * of its own comes first, the root as near to the timestamp as it can be: a run that dies before leaves files that nothing
 * names. One that dies between root and timestamp leaves roots that hosts believe with what is published; see
 * {@link CheckedChange.rootOrder}. A second publisher, should there ever be one, loses at the timestamp.
 *
 * @throws NumberTaken, StoreError `conflict`
 */
export async function writeVersion(
  ports: WritePorts,
  current: Published | undefined,
  next: NextVersion,
  contents: readonly TargetDocument[],
): Promise<Written> {
  const { repository, signer, now } = ports;
  const at = now();
  const online = { signer, now: at };
  const roles = ['targets', 'rules', 'custom', 'agent', 'feed'] as const;
  const changed = roles.filter((role) => current === undefined || textOf(next[role]) !== textOf(current[role]));
  const due = (['snapshot', 'timestamp'] as const).some((role) => current && isDue(role, current[role], at));
  // Keys of the online role may have changed with the root.
  const keysChanged = next.rootOrder !== 'unchanged';
  if (current !== undefined && changed.length === 0 && !due && !keysChanged)
    return { changed: false, version: current.timestamp.signed.version, ageSeconds: ageOf(current.timestamp, at) };

  for (const document of contents) await putTarget(repository, document);
  for (const role of changed) if (role !== 'feed') await putSigned(repository, role, next[role]);
  const feed = changed.includes('feed')
    ? await numbered(repository, 'feed', next.feed, (version) => signFeed(next.feedTargets, version, online))
    : next.feed;
  const parts: SnapshotParts = { ...next, feed };
  const first = await signSnapshot(parts, (current?.snapshot.signed.version ?? 0) + 1, online);
  const snapshot = await numbered(repository, 'snapshot', first, (version) => signSnapshot(parts, version, online));
  const before = await repository.timestamp();
  if ((before === undefined) !== (current === undefined) || (current && before?.text !== textOf(current.timestamp)))
    throw new RepositoryError('conflict', 'timestamp', 'another publisher wrote a version meanwhile');
  const timestamp = await signTimestamp(snapshot, (current?.timestamp.signed.version ?? 0) + 1, online);
  if (next.rootOrder === 'before-timestamp') await putRoot(repository, next.root);
  await repository.moveTimestamp(textOf(timestamp), before?.tag);
  if (next.rootOrder === 'after-timestamp') await putRoot(repository, next.root);
  return { changed: true, version: timestamp.signed.version, ageSeconds: ageOf(timestamp, at) };
}

/** Since it was signed. Seconds. */
export const ageOf = (timestamp: RoleMetadata<'timestamp'>, now: Date): number =>
  Math.max(0, Math.round((now.getTime() - signedAtOf('timestamp', timestamp)) / 1000));

/** Bytes under their digest: what is there already is the same. */
async function putTarget(repository: WritePorts['repository'], { path, sha256, text }: TargetDocument): Promise<void> {
  await repository.create({ kind: 'target', path, sha256 }, text);
}

/** What administrators signed has the number that they gave it. */
async function putSigned(
  repository: WritePorts['repository'],
  role: 'targets' | 'rules' | 'custom' | 'agent',
  metadata: RoleMetadata,
): Promise<void> {
  const key: RepositoryKey = { kind: 'metadata', role, version: metadata.signed.version };
  const text = textOf(metadata);
  if (await repository.create(key, text)) return;
  if ((await repository.read(key)) !== text) throw new NumberTaken(role, metadata.signed.version);
}

/** What the online key signs takes the next free number: a run that died may have left one. */
async function numbered<R extends 'feed' | 'snapshot'>(
  repository: WritePorts['repository'],
  role: R,
  first: RoleMetadata<R>,
  signAs: (version: number) => Promise<RoleMetadata<R>>,
): Promise<RoleMetadata<R>> {
  for (let metadata = first; ; metadata = await signAs(metadata.signed.version + 1)) {
    const key: RepositoryKey = { kind: 'metadata', role, version: metadata.signed.version };
    if (await repository.create(key, textOf(metadata))) return metadata;
  }
}

/** Under its number for those who follow, and under its digest for those who begin with it. */
async function putRoot(repository: WritePorts['repository'], root: RoleMetadata<'root'>): Promise<void> {
  const text = textOf(root);
  await repository.create({ kind: 'pinned-root', sha256: sha256Of(text) }, text);
  const key: RepositoryKey = { kind: 'metadata', role: 'root', version: root.signed.version };
  if (await repository.create(key, text)) return;
  if ((await repository.read(key)) !== text) throw new NumberTaken('root', root.signed.version);
}
