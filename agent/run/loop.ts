import { firstDelaySeconds, type NextRound, nextRound } from '../core/schedule.ts';
import type { Agent } from './agent.ts';
import { runCycle } from './cycle.ts';
import type { CycleOptions } from './cycle-options.ts';
import type { CycleResult } from './documents.ts';

export interface LoopOptions extends Omit<CycleOptions, 'signal' | 'phases'> {
  readonly signal: AbortSignal;
  /** Hears of each cycle, also of those that only checked in. */
  readonly onCycle?: (result: CycleResult) => void;
  /** Hears of each wait before it begins. */
  readonly onWait?: (next: NextRound) => void;
}

/**
 * Goes round until the signal says stop: the first cycle after a random part of the first delay, full cycles at the
 * interval and check-ins between them as often as the broker wishes, and after cycles with problems at the back-off, which
 * heeds what the server asked for. An error that is no AgentError is a fault of the program and ends the loop: the service
 * manager starts the agent anew, and the journal resumes.
 */
export async function runLoop(agent: Agent, options: LoopOptions): Promise<void> {
  const { adapters, settings } = agent;
  const { signal, onCycle, onWait, ...cycleOptions } = options;
  let next: NextRound = { seconds: firstDelaySeconds(settings.schedule, adapters.random()), full: true };
  let lastFull: number | undefined;
  let pollSeconds: number | undefined;
  for (let failures = 0; ; ) {
    adapters.log({
      level: 'info',
      message: `next ${next.full ? 'cycle' : 'check-in'} in ${next.seconds.toFixed(1)} s`,
    });
    onWait?.(next);
    await adapters.clock.sleep(next.seconds, signal);
    if (signal.aborted) return;
    const phases = next.full ? {} : { phases: ['check-in'] as const };
    const result = await runCycle(agent, { ...cycleOptions, ...phases, signal });
    onCycle?.(result);
    failures = result.problems.length === 0 ? 0 : failures + 1;
    pollSeconds = result.pollSeconds ?? pollSeconds;
    const now = adapters.clock.now().getTime() / 1000;
    if (failures === 0 && result.phases.includes('install')) lastFull = now;
    next = nextRound(
      settings.schedule,
      {
        failures,
        retryAfterSeconds: Math.max(0, ...result.problems.map((problem) => problem.retryAfterSeconds ?? 0)),
        pollSeconds,
        sinceFullSeconds: lastFull === undefined ? undefined : Math.max(0, now - lastFull),
      },
      adapters.random(),
    );
  }
}
