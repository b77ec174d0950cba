import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const idempotencyBinding = {
  table: { partitionKey: 'id', timeToLive: 'deleteAfter' },
  env: { table: 'IDEMPOTENCY_TABLE' },
} as const;

export const idempotencyEnv = z.object({ IDEMPOTENCY_TABLE: z.string() });
