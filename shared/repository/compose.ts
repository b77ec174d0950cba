/** What the online key signs: feed, snapshot and timestamp. The publisher puts whole versions together with it. */
import type { TrustRole } from '../contract/trust.ts';
import type { Signer } from '../signing/port.ts';
import { expiryAfter, type RoleMetadata, sha256Of, sign, textOf, unsigned } from './metadata.ts';
import { RepositoryError } from './repository-error.ts';
import { lifeOf, maxTargetsOfRole, signAgainAfter } from './roles.ts';
import type { TargetEntry } from './targets.ts';

/** Roles that a snapshot names. */
const snapshotRoles = ['targets', 'rules', 'custom', 'agent', 'feed'] as const satisfies readonly TrustRole[];
type SnapshotRole = (typeof snapshotRoles)[number];

/** All roles but root, as one version of the repository has them. */
export type SnapshotParts = { readonly [R in SnapshotRole]: RoleMetadata<R> };

/** @throws RepositoryError `malformed` for more targets than a role may have; SigningError */
export async function signFeed(
  targets: Readonly<Record<string, TargetEntry>>,
  version: number,
  { signer, now }: Online,
): Promise<RoleMetadata<'feed'>> {
  const count = Object.keys(targets).length;
  if (count > maxTargetsOfRole)
    throw new RepositoryError('malformed', 'feed', `feed would have ${count} targets, allowed are ${maxTargetsOfRole}`);
  const metadata = unsigned('feed', { version, expires: expiryAfter(now, lifeOf.feed), targets });
  await sign(metadata, signer);
  return metadata;
}

/** What signs online, and the time. */
export interface Online {
  readonly signer: Signer;
  readonly now: Date;
}

/** @throws SigningError */
export async function signSnapshot(
  parts: SnapshotParts,
  version: number,
  { signer, now }: Online,
): Promise<RoleMetadata<'snapshot'>> {
  const meta = Object.fromEntries(
    snapshotRoles.map((role) => {
      const text = textOf(parts[role]);
      const { version: ofRole } = parts[role].signed;
      return [`${role}.json`, { version: ofRole, length: Buffer.byteLength(text), hashes: { sha256: sha256Of(text) } }];
    }),
  );
  const metadata = unsigned('snapshot', { version, expires: expiryAfter(now, lifeOf.snapshot), meta });
  await sign(metadata, signer);
  return metadata;
}

/** @throws SigningError */
export async function signTimestamp(
  snapshot: RoleMetadata<'snapshot'>,
  version: number,
  { signer, now }: Online,
): Promise<RoleMetadata<'timestamp'>> {
  const text = textOf(snapshot);
  const meta = {
    'snapshot.json': {
      version: snapshot.signed.version,
      length: Buffer.byteLength(text),
      hashes: { sha256: sha256Of(text) },
    },
  };
  const metadata = unsigned('timestamp', { version, expires: expiryAfter(now, lifeOf.timestamp), meta });
  await sign(metadata, signer);
  return metadata;
}

/** When the online key signed it: metadata says when it ends, and each role has its life. Milliseconds since 1970. */
export const signedAtOf = (role: keyof typeof signAgainAfter, { signed }: RoleMetadata): number =>
  Date.parse(signed.expires) - lifeOf[role];

/** Whether what the online key signed is old enough to be signed again. */
export const isDue = (role: keyof typeof signAgainAfter, metadata: RoleMetadata, now: Date): boolean =>
  now.getTime() - signedAtOf(role, metadata) >= signAgainAfter[role];
