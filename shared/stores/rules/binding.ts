import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const rulesBinding = {
  /** Rows of the rules: which revision is in force, and of each revision who made it and the book itself. */
  table: { partitionKey: 'name', sortKey: 'item' },
  env: { table: 'RULES_TABLE' },
} as const;

export const rulesEnv = z.object({ RULES_TABLE: z.string() });
