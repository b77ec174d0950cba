import * as z from 'zod/mini';
import { commandId, commandVerb } from './commands.ts';
import { byteCount, machineId, sha1, sha256, shortText, timestamp } from './primitives.ts';

/** `source` of all events of the broker on its EventBridge bus. */
export const eventSource = 'kbroker';

/** Details of each event, by `detail-type`. docs/events.md lists them for subscribers. */
export const eventDetails = {
  /** sync-index published a new index. */
  IndexPublished: z.object({
    version: z.literal(1),
    sha256,
    updates: z.int(),
    files: z.int(),
    publishedAt: timestamp,
  }),
  /** fetch-payload proved and published a file. */
  FileCached: z.object({ version: z.literal(1), sha1, sha256, size: byteCount, name: z.optional(z.string()) }),
  /** clean-payloads deleted the bytes of a file that nobody needs. */
  FileRemoved: z.object({ version: z.literal(1), sha1, sha256, size: byteCount, name: z.optional(z.string()) }),
  /** An administrator replaced the rules. */
  RulesPublished: z.object({ version: z.literal(1), revision: z.int(), changedAt: timestamp, changedBy: z.string() }),
  /** A host came into the state ERROR. */
  HostFailing: z.object({ version: z.literal(1), machineId, hostname: shortText, group: z.string(), at: timestamp }),
  /** A key was used by a machine that it does not belong to. */
  HostCloned: z.object({ version: z.literal(1), machineId, cloneMachineId: machineId, at: timestamp }),
  /** A host told how a command ended. */
  CommandFinished: z.object({
    version: z.literal(1),
    commandId,
    verb: z.optional(commandVerb),
    machineId,
    outcome: z.enum(['done', 'failed']),
    detail: shortText,
    at: timestamp,
  }),
} as const;

export type EventType = keyof typeof eventDetails;
export type EventDetail<T extends EventType> = z.infer<(typeof eventDetails)[T]>;
