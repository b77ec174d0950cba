import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const commandsBinding = {
  /** Partitions: a command's id holds the command; its id behind `outcomesPrefix` holds an outcome per host, and counts. */
  table: { partitionKey: 'commandId', sortKey: 'item', timeToLive: 'deleteAfter' },
  /** Apart, so that whoever takes down outcomes needs no right to write commands. No command id has a `#`. */
  outcomesPrefix: 'outcomes#',
  /** All commands, the newest last. Counts and outcomes are not in it. */
  byTime: { indexName: 'by-time', partitionKey: 'list', sortKey: 'createdAt' },
  /** Commands that were not cancelled, by their end: those that hosts may be told are the last of it. */
  active: { indexName: 'active', partitionKey: 'active', sortKey: 'expiresAt' },
  env: { table: 'COMMANDS_TABLE' },
} as const;

export const commandsEnv = z.object({ COMMANDS_TABLE: z.string() });
