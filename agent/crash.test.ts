import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testRootPem } from '#test/kit/signed-index.ts';
import { aHost, type Bench, openBench } from './fixtures/bench.ts';
import { publish, sha1, sha256 } from './fixtures/publication.ts';
import { createAgent, enrolSimulatedHost, runCycle } from './main.ts';

const bin = fileURLToPath(new URL('bin.ts', import.meta.url));
const big = { name: 'a.cab', data: randomBytes(200_000) };
const small = { name: 'b.cab', data: randomBytes(100) };
const published = publish([{ id: 1, kb: '5000001', files: [small, big] }]);

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  bench.site.publish(published);
  const hostFile = join(bench.folder, 'host.json');
  await writeFile(hostFile, JSON.stringify(aHost()));
  await enrolSimulatedHost({
    process: bench.process,
    server: bench.site.url,
    token: bench.site.token,
    newKey: false,
    dataDir: join(bench.folder, 'data'),
    hostFile,
    log: () => undefined,
  });
  await writeFile(join(bench.folder, 'roots.pem'), testRootPem);
});
afterEach(() => bench.close());

const start = (): ChildProcess =>
  spawn(process.execPath, [bin, 'run', '--interval', '0.1', '--first-within', '0'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      KBROKER_DATA: join(bench.folder, 'data'),
      KBROKER_SIMULATED_HOST: join(bench.folder, 'host.json'),
      KBROKER_INDEX_ROOTS: join(bench.folder, 'roots.pem'),
    },
  });

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await condition()); ) {
    if (Date.now() > end) throw new Error('the moment never came');
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** Runs the agent and kills it, as a power cut would, when the moment has come. */
async function killWhen(condition: () => boolean | Promise<boolean>): Promise<void> {
  const child = start();
  try {
    await until(condition);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

const partHas = (path: string, bytes: number) => async (): Promise<boolean> => {
  const text = await readFile(join(bench.folder, 'data', `${path}.part`)).catch(() => undefined);
  return text?.length === bytes;
};

describe('an agent that is killed', () => {
  it('in the middle of the index, after a report, and in the middle of a payload goes on where it was', async () => {
    const { site } = bench;
    site.fail(/^\/index\/sha256/, { type: 'hang', afterBytes: 500 });
    await killWhen(partHas(`index/${published.pointer.sha256}.cab`, 500));

    await killWhen(() => site.broker.reports.length > 0);
    expect(site.gets(/^\/index\/sha256/).map((request) => request.range)).toEqual([undefined, 'bytes=500-']);
    expect(site.broker.reports.at(-1)?.needs).toEqual([sha1(small.data), sha1(big.data)].toSorted());

    site.hold(small, big);
    site.fail(new RegExp(sha256(big.data)), { type: 'hang', afterBytes: 120_000 });
    await killWhen(partHas(`payloads/${sha1(big.data)}`, 120_000));

    const child = start();
    const ended = once(child, 'exit');
    try {
      await until(() => site.broker.reports.at(-1)?.updates.every((update) => update.state === 'OK') === true);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
    // Each byte came once: the small file and the index were not fetched again, the big one went on.
    expect(site.gets(new RegExp(sha256(small.data)))).toHaveLength(1);
    expect(site.gets(new RegExp(sha256(big.data))).map((request) => request.range)).toEqual([
      undefined,
      'bytes=120000-',
    ]);
    expect(site.gets(/^\/index\/sha256/)).toHaveLength(2);
  });
});

describe('an installation in which the agent died', () => {
  it('counts as an attempt, is named, and is repeated', async () => {
    const { site } = bench;
    site.hold(small, big);
    const agent = await bench.agent(aHost(), {}, 'host-2');
    const { updateAgent } = agent.adapters;
    const dying = createAgent(agent.settings, {
      ...agent.adapters,
      updateAgent: { ...updateAgent, install: () => Promise.reject(new TypeError('the process ends here')) },
    });
    await expect(runCycle(dying)).rejects.toThrow('the process ends here');
    const journal = join(bench.folder, 'host-2', 'state', 'journal.json');
    expect(JSON.parse(await readFile(journal, 'utf8')).installs).toMatchObject([{ attempts: 1, outcome: 'running' }]);

    const looked = await runCycle(agent, { phases: ['scan'] });
    expect(looked.updates).toMatchObject([
      { state: 'PENDING', reason: expect.stringContaining('stopped in the middle of an installation') },
    ]);
    expect(await runCycle(agent)).toMatchObject({ state: 'OK', downloads: [], installs: [{ outcome: 'installed' }] });
    expect(JSON.parse(await readFile(journal, 'utf8'))).toEqual({
      version: 1,
      installs: [],
      downloads: [],
      stored: [],
      commands: [],
      received: expect.objectContaining({ direct: 0 }),
      packages: [],
      packageDownloads: [],
    });
  });
});
