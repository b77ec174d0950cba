import * as z from 'zod/mini';
import { publishQueueEnv } from '#shared/stores/repository/binding.ts';
import { fetchQueueEnv, requestsEnv } from '#shared/stores/requests/binding.ts';

/** Environment of `sweep-requests`. */
export const sweepRequestsEnv = z.extend(requestsEnv, {
  ...fetchQueueEnv.shape,
  ...publishQueueEnv.shape,
  /** A queued request that nobody worked on for so long is sent again. Seconds. */
  REQUEUE_AFTER_SECONDS: z.coerce.number().check(z.int(), z.positive()),
});
