import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const rulesBinding = {
  table: { partitionKey: 'name' },
  env: { table: 'RULES_TABLE' },
} as const;

export const rulesEnv = z.object({ RULES_TABLE: z.string() });
