import * as z from 'zod/mini';
import { eventsEnv } from '#shared/stores/events/binding.ts';
import { fleetEnv } from '#shared/stores/fleet/binding.ts';
import { hostsEnv } from '#shared/stores/hosts/binding.ts';

/** Environment of `aggregate-fleet`. */
export const aggregateFleetEnv = z.object({
  ...eventsEnv.shape,
  ...fleetEnv.shape,
  ...hostsEnv.shape,
  /** Most partitions of the snapshot. */
  FLEET_PARTITIONS: z.coerce.number().check(z.int(), z.minimum(1), z.maximum(256)),
});
