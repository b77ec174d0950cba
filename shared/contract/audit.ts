import * as z from 'zod/mini';
import { roles } from './access.ts';
import { machineId, sha256, timestamp } from './primitives.ts';

/** Who changed something. */
export const actor = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('person'),
    /** `sub` at the identity provider. */
    subject: z.string(),
    /** For people: e-mail address or user name. */
    name: z.string(),
    role: z.enum(roles),
  }),
  z.object({ kind: z.literal('host'), machineId, tokenId: z.optional(z.string()) }),
]);
export type Actor = z.infer<typeof actor>;

/** Everything of an entry but its place in the chain. */
export const auditRecord = z.object({
  at: timestamp,
  actor,
  /** `noun.verb`, for instance `rules.put`. */
  action: z.string().check(z.regex(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/)),
  /** What was changed: a machine id, a token id, `rules`. */
  target: z.string(),
  /** As it was and as it became, as JSON values; absent when there is none. Secrets are never in them. */
  before: z.optional(z.json()),
  after: z.optional(z.json()),
  from: z.object({ address: z.string(), userAgent: z.optional(z.string()) }),
  requestId: z.string(),
  /**
   * Of an entry that speaks of an earlier one: the change of that number ended in a failure, and is not known to be made. When
   * only the answer of the write was lost, it was made all the same.
   */
  failed: z.optional(z.object({ number: z.int(), reason: z.string() })),
});
export type AuditRecord = z.infer<typeof auditRecord>;

/**
 * One entry. `hash` is the SHA-256 of the entry without it, as JSON with sorted keys; `previousHash` is that of the entry
 * before, 64 zeros for the first. An entry that is changed or missing breaks the chain.
 */
export const auditEntry = z.extend(auditRecord, {
  version: z.literal(1),
  /** 1, 2, 3 … without a gap. */
  number: z.int().check(z.positive()),
  previousHash: sha256,
  hash: sha256,
});
export type AuditEntry = z.infer<typeof auditEntry>;

export const auditPage = z.object({
  version: z.literal(1),
  entries: z.array(auditEntry),
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});

/** Head of the chain on one day, kept in S3 where nobody can change it. */
export const auditAnchor = z.object({
  version: z.literal(1),
  /** `2026-11-26` */
  date: z.iso.date(),
  number: z.int().check(z.nonnegative()),
  hash: sha256,
  at: timestamp,
});
export type AuditAnchor = z.infer<typeof auditAnchor>;

export const auditAnchorsPage = z.object({
  version: z.literal(1),
  /** The oldest first. */
  anchors: z.array(auditAnchor),
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});
