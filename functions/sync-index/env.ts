import * as z from 'zod/mini';
import { catalogEnv } from '#shared/stores/catalog/binding.ts';

/** Environment of `sync-index`. */
export const syncIndexEnv = z.extend(catalogEnv, {
  /** Address of the offline index; its host must be one of Microsoft's (shared/upstream). */
  INDEX_URL: z.url(),
});
