import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const catalogBinding = {
  table: { partitionKey: 'pk', timeToLive: 'expiresAt' },
  /** Partition keys of the journal's rows; those of runs begin with `runPrefix`. Facts have keys of their own. */
  journal: { refusal: 'refusal', copy: 'copy', unfinished: 'unfinished', runPrefix: 'run#' },
  /** Environment of a function that was granted access. */
  env: { table: 'CATALOG_TABLE', bucket: 'INDEX_BUCKET' },
} as const;

export const catalogEnv = z.object({ CATALOG_TABLE: z.string(), INDEX_BUCKET: z.string() });
