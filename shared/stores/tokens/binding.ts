import * as z from 'zod/mini';

/**
 * Names that the construct owning these resources and the store using them share. All tokens are in one partition, so
 * that they are listed by a query; there are few, and each is read at enrolments only.
 */
export const tokensBinding = {
  table: { partitionKey: 'list', sortKey: 'tokenId', timeToLive: 'endsAt' },
  env: { table: 'TOKENS_TABLE' },
} as const;

export const tokensEnv = z.object({ TOKENS_TABLE: z.string() });
