import * as z from 'zod/mini';
import { auditEnv } from '#shared/stores/audit/binding.ts';
import { catalogEnv } from '#shared/stores/catalog/binding.ts';
import { commandsEnv } from '#shared/stores/commands/binding.ts';
import { cookiesEnv } from '#shared/stores/cookies/binding.ts';
import { eventsEnv } from '#shared/stores/events/binding.ts';
import { hostsEnv } from '#shared/stores/hosts/binding.ts';
import { payloadsEnv } from '#shared/stores/payloads/binding.ts';
import { requestsEnv } from '#shared/stores/requests/binding.ts';
import { tokensEnv } from '#shared/stores/tokens/binding.ts';

const positive = z.coerce.number().check(z.positive());

/** Environment of `serve-agents`. */
export const serveAgentsEnv = z.object({
  ...auditEnv.shape,
  ...catalogEnv.shape,
  ...commandsEnv.shape,
  ...cookiesEnv.shape,
  ...eventsEnv.shape,
  ...hostsEnv.shape,
  ...payloadsEnv.shape,
  ...requestsEnv.shape,
  ...tokensEnv.shape,
  /** How the broker wants to be named in `aud` of a host's proofs. */
  AGENT_AUDIENCE: z.string().check(z.minLength(1)),
  /** Requests that a host may make at once. */
  AGENT_BURST: positive,
  /** Requests that a host may make per minute besides. */
  AGENT_PER_MINUTE: positive,
  /** Files that one host may have fetched on a day. */
  AGENT_FILES_PER_DAY: positive,
  /** How long active commands are kept in memory. */
  SETTINGS_KEEP_SECONDS: positive,
});
