import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const fleetBinding = {
  /** Prefix of the snapshot's objects in its bucket. */
  prefix: 'fleet/',
  env: { bucket: 'FLEET_BUCKET' },
} as const;

export const fleetEnv = z.object({ FLEET_BUCKET: z.string() });
