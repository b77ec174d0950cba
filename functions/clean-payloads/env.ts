import * as z from 'zod/mini';
import { catalogEnv } from '#shared/stores/catalog/binding.ts';
import { eventsEnv } from '#shared/stores/events/binding.ts';
import { fleetEnv } from '#shared/stores/fleet/binding.ts';
import { payloadsEnv } from '#shared/stores/payloads/binding.ts';
import { repositoryEnv } from '#shared/stores/repository/binding.ts';
import { requestsEnv } from '#shared/stores/requests/binding.ts';

const seconds = z.coerce.number().check(z.int(), z.nonnegative());

/** Environment of `clean-payloads`. */
export const cleanPayloadsEnv = z.object({
  ...catalogEnv.shape,
  ...eventsEnv.shape,
  ...fleetEnv.shape,
  ...payloadsEnv.shape,
  ...repositoryEnv.shape,
  ...requestsEnv.shape,
  GRACE_SECONDS: seconds,
  PAUSE_SECONDS: seconds,
  HOSTS_COUNT_FOR_SECONDS: seconds,
  /** KB numbers with commas between them; empty for none. */
  KEEP_KBS: z.string().check(z.regex(/^([0-9]{5,8}(,[0-9]{5,8})*)?$/)),
});
