import * as z from 'zod/mini';

/**
 * Event of `aggregate-fleet` that does not come from the stream. With `rebuild` a person wants the snapshot made anew; a
 * schedule sends nothing that is read.
 */
export const aggregateFleetEvent = z.object({ rebuild: z.optional(z.literal(true)) });
