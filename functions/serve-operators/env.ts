import * as z from 'zod/mini';
import { auditAnchorsEnv, auditEnv } from '#shared/stores/audit/binding.ts';
import { catalogEnv } from '#shared/stores/catalog/binding.ts';
import { commandsEnv } from '#shared/stores/commands/binding.ts';
import { eventsEnv } from '#shared/stores/events/binding.ts';
import { fleetEnv } from '#shared/stores/fleet/binding.ts';
import { hostsEnv } from '#shared/stores/hosts/binding.ts';
import { idempotencyEnv } from '#shared/stores/idempotency/binding.ts';
import { payloadsEnv } from '#shared/stores/payloads/binding.ts';
import { onlineKeyEnv, publishQueueEnv, repositoryEnv } from '#shared/stores/repository/binding.ts';
import { requestsEnv } from '#shared/stores/requests/binding.ts';
import { rulesEnv } from '#shared/stores/rules/binding.ts';
import { throttleEnv } from '#shared/stores/throttle/binding.ts';
import { tokensEnv } from '#shared/stores/tokens/binding.ts';

/** Environment of `serve-operators`. */
export const serveOperatorsEnv = z.object({
  ...auditEnv.shape,
  ...auditAnchorsEnv.shape,
  ...catalogEnv.shape,
  ...commandsEnv.shape,
  ...eventsEnv.shape,
  ...fleetEnv.shape,
  ...hostsEnv.shape,
  ...idempotencyEnv.shape,
  ...onlineKeyEnv.shape,
  ...payloadsEnv.shape,
  ...publishQueueEnv.shape,
  ...repositoryEnv.shape,
  ...requestsEnv.shape,
  ...rulesEnv.shape,
  ...throttleEnv.shape,
  ...tokensEnv.shape,
  /** Secret whose text signs the cursors of lists. */
  CURSOR_SECRET_ARN: z.string(),
  /** Functions that an operator may start by hand. */
  SYNC_FUNCTION: z.string(),
  SWEEP_FUNCTION: z.string(),
  CLEAN_FUNCTION: z.string(),
  /** OpenID provider of the people: who issues their access tokens, to which client, and which claim gives roles. */
  OIDC_ISSUER: z.url(),
  OIDC_CLIENT_ID: z.string().check(z.minLength(1)),
  OIDC_ROLE_CLAIM: z.string().check(z.minLength(1)),
  /** Requests that one person may make in a minute. */
  REQUESTS_PER_PERSON_AND_MINUTE: z.coerce.number().check(z.int(), z.positive()),
});
