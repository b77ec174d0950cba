import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const requestsBinding = {
  table: { partitionKey: 'sha1', timeToLive: 'expiresAt' },
  /** Requests by state, oldest first. */
  byState: { indexName: 'by-state', partitionKey: 'state', sortKey: 'requestedAt' },
  env: { table: 'REQUESTS_TABLE', queue: 'FETCH_QUEUE_URL' },
} as const;

export const requestsEnv = z.object({ REQUESTS_TABLE: z.string() });
export const fetchQueueEnv = z.object({ FETCH_QUEUE_URL: z.url() });
