import * as z from 'zod/mini';
import { catalogEnv } from '#shared/stores/catalog/binding.ts';
import { eventsEnv } from '#shared/stores/events/binding.ts';
import { payloadsEnv } from '#shared/stores/payloads/binding.ts';
import { requestsEnv } from '#shared/stores/requests/binding.ts';
import { outboundProxyEnv } from '#shared/upstream/binding.ts';

/** Environment of `fetch-payload`. */
export const fetchPayloadEnv = z.extend(requestsEnv, {
  ...catalogEnv.shape,
  ...eventsEnv.shape,
  ...outboundProxyEnv.shape,
  ...payloadsEnv.shape,
  /** Deliveries before the queue moves a message to the dead-letter queue; the last one gives the request up. */
  MAX_RECEIVE_COUNT: z.coerce.number().check(z.int(), z.positive()),
  /** What this worker may take from Microsoft at most. Bytes per second. @default - as much as it gets */
  WORKER_BYTES_PER_SECOND: z.optional(z.coerce.number().check(z.int(), z.positive())),
});
