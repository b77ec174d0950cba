import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { publish } from '../fixtures/publication.ts';
import type { Agent } from './agent.ts';
import { runLoop } from './loop.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  bench.site.publish(publish([{ id: 1, kb: '5000001', files: [{ name: 'a.cab', data: Buffer.from('a') }] }]));
});
afterEach(() => bench.close());

/** Goes round until it has waited so often, in no time; gives what it would have waited. */
async function waits(agent: Agent, times: number): Promise<number[]> {
  const slept: number[] = [];
  const stop = new AbortController();
  const clock = {
    now: () => new Date(),
    sleep: async (seconds: number) => {
      slept.push(seconds);
      if (slept.length === times) stop.abort();
    },
  };
  const hurried = { ...agent, adapters: { ...agent.adapters, clock, random: () => 0.5 } };
  await runLoop(hurried, { signal: stop.signal });
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
    bench.site.fail(/current\.json/, { type: 'status', status: 500 }, 2);
    bench.site.fail(/current\.json/, { type: 'status', status: 503, retryAfter: '900' });
    expect(await waits(agent, 5)).toEqual([300, 45, 90, 900, 7200]);
  });
});
