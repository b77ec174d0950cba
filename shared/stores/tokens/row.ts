import * as z from 'zod/mini';
import { sha256 } from '../../contract/primitives.ts';
import { type TokenView, tokenView } from '../../contract/tokens.ts';
import { tokensBinding } from './binding.ts';

const { partitionKey, sortKey } = tokensBinding.table;

/** The one partition of the table. */
export const tokensPartition = 'tokens';

/** A token that ended stays in the list for so long, to answer who enrolled with it. Days. */
const daysAfterEnd = 30;

/** A row of the table: what people see of a token, and the digest of its secret. */
export const tokenRow = z.extend(tokenView, { secretSha256: sha256 });
export type TokenRow = z.infer<typeof tokenRow>;

export const tokenKey = (tokenId: string) => ({ [partitionKey]: tokensPartition, [sortKey]: tokenId });

/** Second since 1970 after which DynamoDB may delete the row. */
export const endOfRow = ({ expiresAt }: Pick<TokenView, 'expiresAt'>): number =>
  Math.floor(Date.parse(expiresAt) / 1000) + daysAfterEnd * 24 * 3600;

/**
 * Why an enrolment with this token is refused; `undefined` when it is not. Who does not know the secret learns nothing of
 * the token, not even that there is one.
 *
 * @param secretSha256 digest of the secret that was given
 * @param at the time of the enrolment
 */
export function refusalOf(token: TokenRow | undefined, secretSha256: string, at: string): string | undefined {
  // Digests of random secrets: how long the comparison takes says nothing of use about either.
  if (token === undefined || token.secretSha256 !== secretSha256) return 'there is no such enrolment token';
  if (token.revokedAt !== undefined) return `the enrolment token was revoked at ${token.revokedAt}`;
  if (Date.parse(token.expiresAt) <= Date.parse(at)) return `the enrolment token ended at ${token.expiresAt}`;
  if (token.used >= token.uses) return `the ${token.uses} uses of the enrolment token are spent`;
  return undefined;
}
