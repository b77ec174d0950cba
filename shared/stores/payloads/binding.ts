import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const payloadsBinding = {
  table: { partitionKey: 'sha1' },
  /** All records, the newest first: one partition, since few files come in a second. The row of totals is not in it. */
  byTime: { indexName: 'by-time', partitionKey: 'list', sortKey: 'heldAt' },
  env: { table: 'PAYLOADS_TABLE', bucket: 'PAYLOADS_BUCKET' },
} as const;

export const payloadsEnv = z.object({ PAYLOADS_TABLE: z.string(), PAYLOADS_BUCKET: z.string() });
