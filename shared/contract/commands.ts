import * as z from 'zod/mini';
import { hostStates } from '../core/status/states.ts';
import { groupName } from './agent/identity.ts';
import { machineId, shortText, storedText, timestamp } from './primitives.ts';

/** All that a host can be told to do. */
export const commandVerbs = ['scan', 'download', 'install', 'report'] as const;
export const commandVerb = z.enum(commandVerbs);
export type CommandVerb = z.infer<typeof commandVerb>;

export const commandId = z.string().check(z.regex(/^[0-9a-z-]{8,64}$/));

/** Hosts that have all that is named. At least one thing is. */
export const hostFilter = z
  .object({
    group: z.optional(groupName),
    state: z.optional(z.enum(hostStates)),
    /** Part of the operating system's name or version, in any case. */
    os: z.optional(storedText.check(z.minLength(1))),
    /** Part of the hostname or machine id, in any case. */
    name: z.optional(storedText.check(z.minLength(1))),
  })
  .check(
    z.refine(
      (filter) => Object.values(filter).some((value) => value !== undefined),
      'a filter names at least one of group, state, os, name',
    ),
  );
export type HostFilter = z.infer<typeof hostFilter>;

export const commandTarget = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('host'), machineId }),
  z.object({ kind: z.literal('group'), group: groupName }),
  z.object({ kind: z.literal('filter'), filter: hostFilter }),
]);
export type CommandTarget = z.infer<typeof commandTarget>;

/** How it ended on one host. There is one per command and host: the first that arrives stays. */
export const commandOutcome = z.object({
  commandId,
  outcome: z.enum(['done', 'failed']),
  /** In words, for instance what was installed or why not. */
  detail: shortText,
  at: timestamp,
});
export type CommandOutcome = z.infer<typeof commandOutcome>;

export const command = z.object({
  version: z.literal(1),
  commandId,
  verb: commandVerb,
  target: commandTarget,
  createdAt: timestamp,
  /** Name of the person. */
  createdBy: z.string(),
  /** Hosts that check in later do not see it. */
  expiresAt: timestamp,
  cancelledAt: z.optional(timestamp),
  /** For people. */
  note: z.optional(storedText),
  /** Hosts that told how it ended, by outcome. */
  outcomes: z.object({ done: z.int(), failed: z.int() }),
});
export type Command = z.infer<typeof command>;

/** A command that was just made, and how many hosts it was for at that time: 0 is a group or filter that fits none. */
export const createdCommand = z.extend(command, {
  /** By the snapshot of the fleet; absent when there was none. */
  matches: z.optional(z.int()),
});

/** Wish of an operator. */
export const newCommand = z.object({
  version: z.literal(1),
  verb: commandVerb,
  target: commandTarget,
  /** Life of the command, from one minute to 30 days. */
  expiresInSeconds: z.int().check(z.minimum(60), z.maximum(30 * 24 * 3600)),
  note: z.optional(storedText),
});
export type NewCommand = z.infer<typeof newCommand>;

export const hostOutcome = z.extend(commandOutcome, { machineId });
export type HostOutcome = z.infer<typeof hostOutcome>;

export const commandsPage = z.object({
  version: z.literal(1),
  /** The newest first. */
  commands: z.array(command),
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});

export const commandView = z.object({
  version: z.literal(1),
  command,
  /** A page of them, by machine id. */
  outcomes: z.array(hostOutcome),
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});
