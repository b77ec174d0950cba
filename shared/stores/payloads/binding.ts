import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const payloadsBinding = {
  table: { partitionKey: 'sha1', timeToLive: 'expiresAt' },
  /**
   * Records of held files, and those of retired ones, the newest first: a partition each, since few files come in a second.
   * Rows of other kinds are in none.
   */
  byTime: { indexName: 'by-time', partitionKey: 'list', sortKey: 'heldAt' },
  /** Partition keys of rows that are no records: their texts are no SHA-1s. Those of runs begin with `runPrefix`. */
  rows: {
    totals: 'totals',
    cleaning: 'cleaning',
    runPrefix: 'cleaning#',
    unnamedPackageFiles: 'unnamed-package-files',
  },
  env: { table: 'PAYLOADS_TABLE', bucket: 'PAYLOADS_BUCKET' },
} as const;

export const payloadsEnv = z.object({ PAYLOADS_TABLE: z.string(), PAYLOADS_BUCKET: z.string() });
