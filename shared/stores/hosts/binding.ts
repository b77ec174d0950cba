import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const hostsBinding = {
  table: { partitionKey: 'machineId', sortKey: 'item', timeToLive: 'endsAt' },
  env: { table: 'HOSTS_TABLE' },
} as const;

export const hostsEnv = z.object({ HOSTS_TABLE: z.string() });
