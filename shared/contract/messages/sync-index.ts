import * as z from 'zod/mini';

/** Names a run of the synchronisation; also the name of its staging object. */
export const runId = z.string().check(z.regex(/^[A-Za-z0-9-]{1,64}$/));

/** What a person may ask of a run besides. */
export const syncWishes = z.object({
  /** Publish an index also when Microsoft made it before the one that is current. */
  allowOlder: z.exactOptional(z.boolean()),
  /** Read the current index again when the origin has no other. */
  again: z.exactOptional(z.boolean()),
});
export type SyncWishes = z.infer<typeof syncWishes>;

/**
 * Event of `sync-index`. With a run id somebody asked for this run and its end is recorded; a schedule sends none.
 * Wishes count only together with a run id.
 */
export const syncIndexEvent = z.extend(syncWishes, {
  runId: z.exactOptional(runId),
  /** Invocations that led to this one, each of which started the next. */
  continuations: z.exactOptional(z.int().check(z.minimum(0))),
});
export type SyncIndexEvent = z.infer<typeof syncIndexEvent>;

/** Event of `sweep-requests`. With `only` the requests that a worker began and did not finish; a schedule of its own asks so. */
export const sweepRequestsEvent = z.object({ only: z.exactOptional(z.literal('begun')) });
export type SweepRequestsEvent = z.infer<typeof sweepRequestsEvent>;
