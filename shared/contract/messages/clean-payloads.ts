import * as z from 'zod/mini';
import { runId } from './sync-index.ts';

const yearSeconds = 365 * 24 * 3600;

/** What a person may ask of a cleaning besides. */
export const cleaningWishes = z.object({
  /** Say what would be done, and do nothing. */
  dryRun: z.exactOptional(z.boolean()),
  /** In the place of the grace period of the stack. Seconds. The pause before bytes are deleted stays as it is. */
  graceSeconds: z.exactOptional(z.int().check(z.minimum(0), z.maximum(yearSeconds))),
  /** Clean also when hosts are gone from the snapshot of the fleet. */
  fewerHosts: z.exactOptional(z.boolean()),
});
export type CleaningWishes = z.infer<typeof cleaningWishes>;

/**
 * Event of `clean-payloads`. With a run id somebody asked for this run and its end is recorded; a schedule sends none.
 * Wishes count only together with a run id.
 */
export const cleanPayloadsEvent = z.extend(cleaningWishes, { runId: z.exactOptional(runId) });
export type CleanPayloadsEvent = z.infer<typeof cleanPayloadsEvent>;
