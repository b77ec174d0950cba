import * as z from 'zod/mini';
import { catalogEnv } from '#shared/stores/catalog/binding.ts';
import { fleetEnv } from '#shared/stores/fleet/binding.ts';
import { payloadsEnv } from '#shared/stores/payloads/binding.ts';
import { onlineKeyEnv, repositoryEnv } from '#shared/stores/repository/binding.ts';
import { rulesEnv } from '#shared/stores/rules/binding.ts';

/** Environment of `publish-repository`. */
export const publishRepositoryEnv = z.object({
  ...catalogEnv.shape,
  ...fleetEnv.shape,
  ...onlineKeyEnv.shape,
  ...payloadsEnv.shape,
  ...repositoryEnv.shape,
  ...rulesEnv.shape,
});
