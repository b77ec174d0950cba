import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const payloadsBinding = {
  table: { partitionKey: 'sha1' },
  env: { table: 'PAYLOADS_TABLE', bucket: 'PAYLOADS_BUCKET' },
} as const;

export const payloadsEnv = z.object({ PAYLOADS_TABLE: z.string(), PAYLOADS_BUCKET: z.string() });
