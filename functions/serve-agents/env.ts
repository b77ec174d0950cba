import * as z from 'zod/mini';
import { catalogEnv } from '#shared/stores/catalog/binding.ts';
import { hostsEnv } from '#shared/stores/hosts/binding.ts';
import { payloadsEnv } from '#shared/stores/payloads/binding.ts';
import { requestsEnv } from '#shared/stores/requests/binding.ts';
import { rulesEnv } from '#shared/stores/rules/binding.ts';

/** Environment of `serve-agents`. */
export const serveAgentsEnv = z.object({
  ...catalogEnv.shape,
  ...hostsEnv.shape,
  ...payloadsEnv.shape,
  ...requestsEnv.shape,
  ...rulesEnv.shape,
  /** Secrets Manager secret with the bearer secret that agents share (interim). */
  AGENT_SECRET_ARN: z.string(),
});
