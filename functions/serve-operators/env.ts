import * as z from 'zod/mini';
import { catalogEnv } from '#shared/stores/catalog/binding.ts';
import { hostsEnv } from '#shared/stores/hosts/binding.ts';
import { payloadsEnv } from '#shared/stores/payloads/binding.ts';
import { requestsEnv } from '#shared/stores/requests/binding.ts';
import { rulesEnv } from '#shared/stores/rules/binding.ts';

/** Environment of `serve-operators`. */
export const serveOperatorsEnv = z.object({
  ...catalogEnv.shape,
  ...hostsEnv.shape,
  ...payloadsEnv.shape,
  ...requestsEnv.shape,
  ...rulesEnv.shape,
  /** Functions that an operator may start by hand. */
  SYNC_FUNCTION: z.string(),
  SWEEP_FUNCTION: z.string(),
  /** OpenID provider of the people: who issues their access tokens, to which client, and which claim gives roles. */
  OIDC_ISSUER: z.url(),
  OIDC_CLIENT_ID: z.string().check(z.minLength(1)),
  OIDC_ROLE_CLAIM: z.string().check(z.minLength(1)),
});
