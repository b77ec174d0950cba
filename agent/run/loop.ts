import { firstDelaySeconds, nextDelaySeconds } from '../core/schedule.ts';
import type { Agent } from './agent.ts';
import { type CycleOptions, runCycle } from './cycle.ts';
import type { CycleResult } from './documents.ts';

export interface LoopOptions extends Omit<CycleOptions, 'signal'> {
  readonly signal: AbortSignal;
  /** Hears of each cycle. */
  readonly onCycle?: (result: CycleResult) => void;
}

/**
 * Goes round until the signal says stop: the first cycle after a random part of the first delay, then at the interval,
 * and after cycles with problems at the back-off, which heeds what the server asked for. An error that is no AgentError is
 * a fault of the program and ends the loop: the service manager starts the agent anew, and the journal resumes.
 */
export async function runLoop(agent: Agent, options: LoopOptions): Promise<void> {
  const { adapters, settings } = agent;
  const { signal, onCycle, ...cycleOptions } = options;
  let delay = firstDelaySeconds(settings.schedule, adapters.random());
  for (let failures = 0; ; ) {
    adapters.log({ level: 'info', message: `next cycle in ${delay.toFixed(1)} s` });
    await adapters.clock.sleep(delay, signal);
    if (signal.aborted) return;
    const result = await runCycle(agent, { ...cycleOptions, signal });
    onCycle?.(result);
    failures = result.problems.length === 0 ? 0 : failures + 1;
    const asked = Math.max(0, ...result.problems.map((problem) => problem.retryAfterSeconds ?? 0));
    delay = nextDelaySeconds(settings.schedule, failures, asked, adapters.random());
  }
}
