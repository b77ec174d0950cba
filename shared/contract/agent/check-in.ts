import * as z from 'zod/mini';
import { commandOutcome, commandVerb } from '../commands.ts';
import { byteCount, month, sha256, timestamp } from '../primitives.ts';

/** At most so many outcomes in one check-in; the rest waits for the next. */
export const maxOutcomes = 50;

/**
 * Bytes of indexes and files that came to a host in one month of UTC, as it counts them: for people and their bills. The month
 * is that of the last download.
 */
export const receivedInMonth = z.object({
  month,
  /** Of indexes, from the repository. */
  index: byteCount,
  /** Of update files, from the repository. */
  files: byteCount,
  /** Of update files, from Microsoft itself. */
  direct: byteCount,
});

/**
 * What an agent says at each round before anything else. With `report` it is a report, too: nothing has changed since the
 * one that the broker has under this hash.
 */
export const checkIn = z.object({
  version: z.literal(1),
  /** The last report that the broker accepted, and when the machine was last scanned with that same result. */
  report: z.optional(z.object({ hash: sha256, scannedAt: timestamp })),
  /** Until when the cookies of the repository that are held here are good. */
  cookiesUntil: z.optional(timestamp),
  outcomes: z.array(commandOutcome).check(z.maxLength(maxOutcomes)),
  /** Absent before the first download, and from older agents. */
  received: z.exactOptional(receivedInMonth),
});
export type CheckIn = z.infer<typeof checkIn>;

/** Cookies of the CDN. Whoever has them may read the repository until they end. */
export const repositoryCookies = z.object({
  /** By name, as the header Cookie has them. */
  values: z.record(z.string(), z.string()),
  expiresAt: timestamp,
});
export type RepositoryCookies = z.infer<typeof repositoryCookies>;

/** Something that an operator wants of this host. Handled once, however often it is told. */
const orderedCommand = z.object({ commandId: z.string(), verb: commandVerb, expiresAt: timestamp });
export type OrderedCommand = z.infer<typeof orderedCommand>;

export const checkInAnswer = z.object({
  version: z.literal(1),
  serverTime: timestamp,
  /** False: the broker does not have the report that `report` named, or none; the next one must be whole. */
  knowsReport: z.boolean(),
  /** Time until the next check-in that the broker wishes for. */
  pollSeconds: z.int().check(z.positive()),
  commands: z.array(orderedCommand),
  /** Commands whose outcome was taken down (or is no longer wanted); they need not be told again. */
  acknowledged: z.array(z.string()),
  /** Absent when those that the agent holds are good for long enough. */
  cookies: z.optional(repositoryCookies),
});
export type CheckInAnswer = z.infer<typeof checkInAnswer>;
