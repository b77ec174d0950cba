import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, openBench } from '../fixtures/bench.ts';
import { publish, type SmallFile, type SmallUpdate } from '../fixtures/publication.ts';
import { runCycle } from './cycle.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const file = (name: string): SmallFile => ({ name, data: randomBytes(5000) });
const a = file('a.cab');
const one: SmallUpdate = { id: 1, kb: '5000001', files: [a] };

const stateFile = (name: string): string => join(bench.folder, 'host-1', 'state', `${name}.json`);

describe('the cookies of the repository', () => {
  const give = (value: string, seconds = 3600): void => {
    bench.site.broker.cookies = {
      values: { 'CloudFront-Policy': value, 'CloudFront-Signature': 's~' },
      expiresAt: new Date(Date.now() + seconds * 1000).toISOString(),
    };
  };

  it('are kept where their owner alone reads them, and sent to the repository only', async () => {
    const { site } = bench;
    give('one');
    site.publish(publish([one]));
    site.hold(a);
    expect(await runCycle(await bench.agent())).toMatchObject({ state: 'OK', problems: [] });
    if (process.platform !== 'win32') expect((await stat(stateFile('cookies'))).mode & 0o777).toBe(0o600);
    for (const { path, cookie } of site.requests) {
      expect([path, cookie]).toEqual([
        path,
        path.startsWith('/v1/') ? undefined : 'CloudFront-Policy=one; CloudFront-Signature=s~',
      ]);
    }
    // The next cycle has them still.
    site.requests.length = 0;
    await runCycle(await bench.agent());
    expect(site.calls()).toEqual(['/v1/agent/check-ins']);
  });

  it('are renewed by one check-in when the repository refuses them', async () => {
    const { site } = bench;
    give('one');
    site.publish(publish([one]));
    site.hold(a);
    const agent = await bench.agent();
    await runCycle(agent, { phases: ['check-in'] });
    give('two');
    site.requests.length = 0;
    expect(await runCycle(agent, { phases: ['pull', 'scan'] })).toMatchObject({ problems: [] });
    expect(site.requests.map(({ path, status }) => [path.split('/')[1], status])).toEqual([
      // The next root, which is not there, and the timestamp.
      ['metadata', 403],
      ['v1', 200],
      ['metadata', 404],
      ['metadata', 200],
      ['index', 200],
    ]);
  });

  it('that are fresh are not the reason: the object is not there', async () => {
    const { site } = bench;
    give('one');
    site.publish(publish([one]));
    site.objects.clear();
    const agent = await bench.agent();
    const result = await runCycle(agent);
    expect(result.problems).toMatchObject([{ phase: 'pull', code: 'not-found' }, { code: 'nothing-stored' }]);
    expect(site.calls()).toEqual(['/v1/agent/check-ins']);
    // Those of the cycle before may be old: it is asked once.
    site.requests.length = 0;
    await runCycle(agent);
    expect(site.calls()).toEqual(['/v1/agent/check-ins', '/v1/agent/check-ins']);
  });

  it('that fit into no header are refused', async () => {
    give('a\r\nb: c');
    const result = await runCycle(await bench.agent());
    expect(result.problems[0]).toMatchObject({ phase: 'trust', code: 'bad-answer' });
  });
});
