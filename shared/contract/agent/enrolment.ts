import * as z from 'zod/mini';
import { timestamp } from '../primitives.ts';
import { groupName, hostPublicKey } from './identity.ts';
import { hostFacts } from './report.ts';

/**
 * An enrolment token as people copy it: `kbt1_ID_SECRET`, and after it `_ROOT_GROUP` once the repository is signed: the SHA-256
 * of its first root.json, which the host pins, and the group, so that no answer of the broker decides either. The broker
 * keeps the id and a digest of the secret.
 */
export const enrolmentToken = z
  .string()
  .check(z.regex(/^kbt1_[a-z0-9]{16}_[A-Za-z0-9-]{43}(_[0-9a-f]{64}(_[A-Za-z0-9][A-Za-z0-9._-]{0,63})?)?$/));

/** Parts of an {@link enrolmentToken}; `undefined` for a text that is none. */
export function splitToken(text: string): TokenParts | undefined {
  if (!z.safeParse(enrolmentToken, text).success) return undefined;
  const [, tokenId = '', secret = '', rootSha256, ...rest] = text.split('_');
  const group = rest.length === 0 ? undefined : rest.join('_');
  return {
    tokenId,
    secret,
    ...(rootSha256 !== undefined && { rootSha256 }),
    ...(group !== undefined && { group }),
  };
}

/** What an {@link enrolmentToken} is made of. */
export interface TokenParts {
  readonly tokenId: string;
  readonly secret: string;
  readonly rootSha256?: string;
  /** Only with a root. */
  readonly group?: string;
}

/** The inverse of {@link splitToken}. The secret has no underscore: base64url with `-` alone. */
export const joinToken = ({ tokenId, secret, rootSha256, group }: TokenParts): string =>
  [
    'kbt1',
    tokenId,
    secret,
    ...(rootSha256 === undefined ? [] : [rootSha256, ...(group === undefined ? [] : [group])]),
  ].join('_');

/** Sent with a proof that is signed by the key itself, so that nobody can enrol a key that is not theirs. */
export const enrolment = z.object({
  version: z.literal(1),
  token: enrolmentToken,
  publicKey: hostPublicKey,
  host: hostFacts,
});
export type Enrolment = z.infer<typeof enrolment>;

export const enrolmentAnswer = z.object({
  version: z.literal(1),
  /** Pinned by the token; what stands in its text counts on the host. */
  group: groupName,
  /** How the broker wants to be named in `aud`. */
  audience: z.string(),
  /** Address of the repository, without a slash at the end. */
  repositoryUrl: z.string(),
  enrolledAt: timestamp,
});
export type EnrolmentAnswer = z.infer<typeof enrolmentAnswer>;
