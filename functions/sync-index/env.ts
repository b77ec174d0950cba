import * as z from 'zod/mini';
import { catalogEnv } from '#shared/stores/catalog/binding.ts';
import { eventsEnv } from '#shared/stores/events/binding.ts';
import { publishQueueEnv } from '#shared/stores/repository/binding.ts';
import { outboundProxyEnv } from '#shared/upstream/binding.ts';

/** Environment of `sync-index`, as the stack gives it. */
export const syncIndexEnv = z.extend(catalogEnv, {
  ...eventsEnv.shape,
  ...outboundProxyEnv.shape,
  ...publishQueueEnv.shape,
  /** Address of the offline index; its host must be one of Microsoft's (shared/upstream). */
  INDEX_URL: z.url(),
  /** Certificates that a signature may lead to beside Microsoft's roots, PEM. */
  INDEX_ROOTS: z.optional(z.string()),
  /** Accept signatures by SHA-1, as Microsoft made them until 2020. */
  INDEX_ALLOW_SHA1: z._default(z.stringbool({ truthy: ['true'], falsy: ['false'] }), false),
  /** Take in the index of an .msu as well, which knows a single package; for the embedded stack. */
  INDEX_ALLOW_SINGLE_PACKAGE: z._default(z.stringbool({ truthy: ['true'], falsy: ['false'] }), false),
  /** How much smaller than the current publication a new one may be, in percent. */
  MAX_SHRINK_PERCENT: z._default(z.coerce.number().check(z.minimum(0), z.maximum(100)), 20),
  /** How many publications stay stored, the current one among them. */
  KEEP_PUBLICATIONS: z._default(z.coerce.number().check(z.int(), z.minimum(1)), 3),
});

/** The same with what Lambda itself sets: the function's own name, so that it can start itself. */
export const syncIndexRuntimeEnv = z.extend(syncIndexEnv, { AWS_LAMBDA_FUNCTION_NAME: z.string() });
