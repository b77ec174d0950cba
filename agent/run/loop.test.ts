import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { rulesOf } from '../fixtures/fake-broker.ts';
import { publish } from '../fixtures/publication.ts';
import type { Agent } from './agent.ts';
import type { CycleResult } from './documents.ts';
import { runLoop } from './loop.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  bench.site.publish(publish([{ id: 1, kb: '5000001', files: [{ name: 'a.cab', data: Buffer.from('a') }] }]));
});
afterEach(() => bench.close());

/** Goes round until it has waited so often, in no time; gives what it would have waited. */
async function waits(agent: Agent, times: number, onCycle?: (result: CycleResult) => void): Promise<number[]> {
  const slept: number[] = [];
  const start = Date.now();
  const stop = new AbortController();
  const clock = {
    now: () => new Date(start + slept.reduce((sum, seconds) => sum + seconds, 0) * 1000),
    sleep: async (seconds: number) => {
      slept.push(seconds);
      if (slept.length === times) stop.abort();
    },
  };
  const hurried = { ...agent, adapters: { ...agent.adapters, clock, random: () => 0.5 } };
  await runLoop(hurried, { signal: stop.signal, ...(onCycle && { onCycle }) });
  return slept;
}

const schedule = { intervalSeconds: 7200, firstWithinSeconds: 600, backOffSeconds: 60, maxBackOffSeconds: 3600 };

describe('runLoop', () => {
  it('begins somewhere in the first delay, then keeps to the interval', async () => {
    const agent = await bench.agent(aHost(), { schedule });
    expect(await waits(agent, 3)).toEqual([300, 7200, 7200]);
    expect(bench.site.calls(/check-ins/)).toHaveLength(2);
    // Nothing changed in between.
    expect(bench.site.broker.reports).toHaveLength(1);
  });

  it('backs off while cycles fail, heeds Retry-After, and comes back to the interval', async () => {
    const agent = await bench.agent(aHost(), { schedule, triesPerCycle: 1 });
    bench.site.fail(/timestamp\.json/, { type: 'status', status: 500 }, 2);
    bench.site.fail(/timestamp\.json/, { type: 'status', status: 503, retryAfter: '900' });
    expect(await waits(agent, 5)).toEqual([300, 45, 90, 900, 7200]);
  });

  it('only checks in between full cycles, as often as the broker wishes', async () => {
    const agent = await bench.agent(aHost(), { schedule: { ...schedule, poll: { minSeconds: 30, speed: 1 } } });
    bench.site.broker.pollSeconds = 3000;
    const cycles: number[] = [];
    expect(await waits(agent, 6, ({ phases }) => cycles.push(phases.length))).toEqual([
      300, 3000, 3000, 1200, 3000, 3000,
    ]);
    expect(cycles).toEqual([8, 2, 2, 8, 2]);
    expect(bench.site.calls(/check-ins/)).toHaveLength(5);
  });

  it('makes a check-in a whole cycle when a delay has ended meanwhile, and counts the interval from there', async () => {
    const agent = await bench.agent(aHost(), { schedule: { ...schedule, poll: { minSeconds: 30, speed: 1 } } });
    const createdAt = new Date(Date.now() - 3_600_000).toISOString();
    bench.site.publish(publish([{ id: 1, kb: '5000001', files: [], createdAt }]));
    bench.site.broker.rules = rulesOf({ settings: { defaultAllow: true, installDelaySeconds: 7200 } });
    bench.site.broker.pollSeconds = 3000;
    const cycles: (readonly [number, string | undefined])[] = [];
    const hear = ({ phases, updates }: CycleResult) => cycles.push([phases.length, updates[0]?.state]);
    expect(await waits(agent, 7, hear)).toEqual([300, 3000, 3000, 3000, 3000, 1200, 3000]);
    expect(cycles).toEqual([
      [8, 'DISCARDED'],
      [2, undefined],
      [8, 'OK'],
      [2, undefined],
      [2, undefined],
      [8, 'OK'],
    ]);
  });

  it('carries out a command at the check-in that tells it, and comes again soon', async () => {
    const agent = await bench.agent(aHost(), { schedule: { ...schedule, poll: { minSeconds: 30, speed: 1 } } });
    bench.site.broker.pollSeconds = 60;
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    bench.site.broker.commands = [{ commandId: 'command-1', verb: 'report', expiresAt }];
    const handled: string[] = [];
    const hear = ({ commands }: CycleResult) => handled.push(...commands.map(({ commandId }) => commandId));
    expect(await waits(agent, 3, hear)).toEqual([300, 60, 60]);
    expect(handled).toEqual(['command-1']);
    expect(bench.site.broker.outcomes).toMatchObject([{ commandId: 'command-1', outcome: 'done' }]);
  });
});
