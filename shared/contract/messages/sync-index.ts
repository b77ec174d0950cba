import * as z from 'zod/mini';

/** Names a run of the synchronisation; also the name of its staging object. */
export const runId = z.string().check(z.regex(/^[A-Za-z0-9-]{1,64}$/));

/** Event of `sync-index`. With a run id somebody asked for this run and its end is recorded; a schedule sends none. */
export const syncIndexEvent = z.object({ runId: z.exactOptional(runId) });

/** Event of `sweep-requests`: nothing in it is read. */
export const sweepRequestsEvent = z.object({});
