import { AgentError } from '../ports/agent-error.ts';
import type { Agent } from './agent.ts';

/** Wait before the second try; doubled with each further one. Seconds. */
const firstWaitSeconds = 0.5;

/** @throws AgentError `stopped` when the signal says so */
export function checkStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AgentError('stopped', 'the agent was asked to stop');
}

/**
 * Does something that may fail for a moment. A failure that may pass is tried again after a short wait, or after the
 * server's `Retry-After` when that is short enough to be waited for; any other goes on to the caller.
 */
export async function withRetries<T>(
  agent: Agent,
  what: string,
  attempt: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const { settings, adapters } = agent;
  for (let tries = 1; ; tries += 1) {
    checkStopped(signal);
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof AgentError) || !error.retryable || tries >= settings.triesPerCycle) throw error;
      const asked = error.retryAfterSeconds ?? 0;
      if (asked > settings.maxWaitInCycleSeconds) throw error;
      const wait = Math.max(asked, firstWaitSeconds * 2 ** (tries - 1) * (0.5 + adapters.random() / 2));
      adapters.log({ level: 'debug', message: `${what}: ${error.message}; trying again in ${wait.toFixed(1)} s` });
      await adapters.clock.sleep(wait, signal);
    }
  }
}
