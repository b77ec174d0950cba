import type { TrustRole } from '../contract/trust.ts';

const day = 86_400_000;

/** Roles that `targets` delegates to, with the paths of theirs. No path belongs to two. */
export const delegatedRoles = {
  rules: { signedBy: 'administrators', paths: ['rules/*', 'rules/groups/*', 'rules/hosts/*'] },
  custom: { signedBy: 'administrators', paths: ['custom/*', 'custom/*/*'] },
  agent: { signedBy: 'administrators', paths: ['agent/*', 'agent/*/*'] },
  feed: { signedBy: 'online', paths: ['index/*', 'catalog/*'] },
} as const satisfies Partial<
  Record<TrustRole, { readonly signedBy: 'administrators' | 'online'; readonly paths: readonly string[] }>
>;
export type DelegatedRole = keyof typeof delegatedRoles;
export const delegatedRoleNames = Object.keys(delegatedRoles) as DelegatedRole[];

/** How long a signature of each role is good. Milliseconds. */
export const lifeOf: Readonly<Record<TrustRole, number>> = {
  root: 5 * 365 * day,
  targets: 5 * 365 * day,
  rules: 365 * day,
  custom: 365 * day,
  agent: 365 * day,
  feed: 30 * day,
  snapshot: 7 * day,
  timestamp: 7 * day,
};

/** What the online key signs is signed again when it is so old. Milliseconds. */
export const signAgainAfter: Readonly<Record<'feed' | 'snapshot' | 'timestamp', number>> = {
  feed: 7 * day,
  snapshot: day,
  timestamp: day,
};

/** No metadata may be longer. Bytes. A snapshot names eight roles; rules of 480 groups have some 100 kB. */
export const maxBytesOf: Readonly<Record<TrustRole, number>> = {
  root: 512_000,
  targets: 512_000,
  rules: 512_000,
  custom: 512_000,
  agent: 512_000,
  feed: 512_000,
  snapshot: 64_000,
  timestamp: 16_384,
};

/** Targets that one role may have; see `maxSignedGroups` of the contract. */
export const maxTargetsOfRole = 499;
