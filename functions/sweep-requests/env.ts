import * as z from 'zod/mini';
import { fetchQueueEnv, requestsEnv } from '#shared/stores/requests/binding.ts';

/** Environment of `sweep-requests`. */
export const sweepRequestsEnv = z.extend(requestsEnv, {
  ...fetchQueueEnv.shape,
  /** A queued request that nobody worked on for so long is sent again. Seconds. */
  REQUEUE_AFTER_SECONDS: z.coerce.number().check(z.int(), z.positive()),
});
