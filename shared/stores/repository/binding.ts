import * as z from 'zod/mini';

/** Names that the construct owning these resources and the adapters using them share. */
export const repositoryBinding = {
  /** What lies under them is public, and only the publisher writes it. */
  prefixes: ['metadata/', 'targets/'],
  env: { bucket: 'REPOSITORY_BUCKET', queue: 'PUBLISH_QUEUE_URL', key: 'ONLINE_KEY_ID' },
} as const;

export const repositoryEnv = z.object({ REPOSITORY_BUCKET: z.string() });
export const publishQueueEnv = z.object({ PUBLISH_QUEUE_URL: z.url() });
/** Key in KMS that signs which index and files there are. */
export const onlineKeyEnv = z.object({ ONLINE_KEY_ID: z.string() });
