import * as z from 'zod/mini';
import { enrolmentToken } from './agent/enrolment.ts';
import { groupName } from './agent/identity.ts';
import { sha256, storedText, timestamp } from './primitives.ts';

export const tokenId = z.string().check(z.regex(/^[a-z0-9]{16}$/));

/** What is kept of an enrolment token; its secret is not in it. */
export const tokenView = z.object({
  version: z.literal(1),
  tokenId,
  group: groupName,
  /** Enrolments that it allowed, and that were made. */
  uses: z.int().check(z.positive()),
  used: z.int().check(z.nonnegative()),
  createdAt: timestamp,
  createdBy: z.string(),
  expiresAt: timestamp,
  revokedAt: z.optional(timestamp),
  /** Whether it may give a new key to a machine that is enrolled already, as after a new installation of Windows. */
  replace: z.boolean(),
  /** Digest of the repository's first root.json that agents are given with it. */
  rootSha256: z.optional(sha256),
  note: z.optional(storedText),
});
export type TokenView = z.infer<typeof tokenView>;

export const newToken = z.object({
  version: z.literal(1),
  group: groupName,
  uses: z.int().check(z.minimum(1), z.maximum(100_000)),
  /** Life of the token, from one minute to a year. */
  expiresInSeconds: z.int().check(z.minimum(60), z.maximum(366 * 24 * 3600)),
  /** @default false */
  replace: z.optional(z.boolean()),
  rootSha256: z.optional(sha256),
  note: z.optional(storedText),
});
export type NewToken = z.infer<typeof newToken>;

/** The only time that the whole token is told. */
export const createdToken = z.object({ version: z.literal(1), token: enrolmentToken, view: tokenView });
export type CreatedToken = z.infer<typeof createdToken>;

export const tokensPage = z.object({
  version: z.literal(1),
  tokens: z.array(tokenView),
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});
