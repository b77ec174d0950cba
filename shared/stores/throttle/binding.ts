import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const throttleBinding = {
  table: { partitionKey: 'window', timeToLive: 'deleteAfter' },
  env: { table: 'THROTTLE_TABLE' },
} as const;

export const throttleEnv = z.object({ THROTTLE_TABLE: z.string() });
