import * as z from 'zod/mini';
import { cleaningWishes } from '../messages/clean-payloads.ts';
import { byteCount, sha1, timestamp } from '../primitives.ts';

const amount = z.object({ files: z.int(), bytes: byteCount });
export type FileAmount = z.infer<typeof amount>;

/** How one cleaning ended. With `dryRun` all of it is what would have been done. */
const cleaningOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('cleaned'),
    dryRun: z.boolean(),
    /** False: the time was over before all files were looked at; the next run goes on. */
    finished: z.boolean(),
    /** Hosts whose needs counted. */
    hosts: z.int(),
    /** Held and needed, or kept for another reason. */
    needed: amount,
    /** Held, not needed, and the grace period is not over. */
    waiting: amount,
    /** Not offered any more from this run on; their bytes are deleted after the pause. */
    retired: amount,
    /** Retired before, and the pause is not over. */
    pausing: amount,
    /** Retired before, and held again, because hosts need them again. */
    restored: amount,
    /** Bytes that this run deleted. */
    removed: amount,
    /**
     * Files of administrators' own packages: named by a signed one, named by none for less than the grace period, and deleted.
     * Absent in runs of before there were any.
     */
    packages: z.optional(z.object({ needed: amount, waiting: amount, removed: amount })),
    /** The largest of what was retired or removed, at most 20. */
    largest: z.array(
      z.object({ sha1, name: z.optional(z.string()), size: byteCount, step: z.enum(['retired', 'removed']) }),
    ),
    /** Keys of records that do not parse; they stay as they are. At most 20. */
    unreadable: z.array(z.string()),
  }),
  /** It is not known what hosts need, so nothing was done. */
  z.object({ outcome: z.literal('stopped'), reason: z.string() }),
  z.object({ outcome: z.literal('failed'), reason: z.string() }),
]);
export type CleaningOutcome = z.infer<typeof cleaningOutcome>;
export type Cleaned = Extract<CleaningOutcome, { outcome: 'cleaned' }>;

/** A cleaning that somebody asked for. Scheduled ones leave metrics and a line in the log. */
export const cleaningRun = z.object({
  version: z.literal(1),
  runId: z.string(),
  state: z.enum(['started', 'ended']),
  startedAt: timestamp,
  wishes: cleaningWishes,
  endedAt: z.optional(timestamp),
  result: z.optional(cleaningOutcome),
});
export type CleaningRun = z.infer<typeof cleaningRun>;
