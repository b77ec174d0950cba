import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { testRootPem } from '#test/kit/signed-index.ts';
import { aHost, type Bench, openBench } from './fixtures/bench.ts';
import { publish, sha1, sha256, unitId } from './fixtures/publication.ts';
import { createAgent, runCycle } from './main.ts';
import { AgentError } from './ports/agent-error.ts';

const file = { name: 'a.cab', data: randomBytes(200_000) };
const published = publish([{ id: 1, kb: '5000001', files: [file] }]);
const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A host whose update is there to be downloaded and installed. */
async function openHost(): Promise<Bench> {
  const bench = await openBench();
  bench.site.publish(published);
  bench.site.hold(file);
  await bench.agent();
  await writeFile(join(bench.folder, 'roots.pem'), testRootPem);
  return bench;
}

/** One run of the agent as a process that dies at a moment. @param dieAt see fixtures/die-at.ts */
async function runAndDie({ folder }: Bench, dieAt: string): Promise<void> {
  const bin = pathOf('bin.ts');
  const child = spawn(
    process.execPath,
    ['--import', pathOf('fixtures/die-at.ts'), bin, 'run', '--interval', '60', '--first-within', '0'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        KBROKER_TEST_DIE_AT: dieAt,
        KBROKER_DATA: join(folder, 'host-1'),
        KBROKER_SIMULATED_HOST: join(folder, 'host-1.json'),
        KBROKER_INDEX_ROOTS: join(folder, 'roots.pem'),
      },
    },
  );
  const said = text(child.stderr);
  const exit = await once(child, 'exit');
  expect({ exit, said: await said }).toMatchObject({ exit: [null, 'SIGKILL'] });
}

/** What installations changed on the machine, one for each. */
async function changesOf({ folder }: Bench): Promise<readonly unknown[]> {
  const written = await readFile(join(folder, 'host-1.installed.json'), 'utf8').catch(() => '{"changes":[]}');
  return JSON.parse(written).changes;
}

const rangesOf = ({ site }: Bench) => site.gets(new RegExp(sha256(file.data))).map(({ range }) => range);

describe.concurrent('an agent that is killed', () => {
  it.each([
    [
      'while what came before is hashed again',
      `read payloads/${sha1(file.data)}\\.part$`,
      [undefined, 'bytes=120000-'],
      0,
    ],
    ['between proof and name of a file', `before-rename payloads/${sha1(file.data)}$`, [undefined], 0],
    ['between name and journal', `after-rename payloads/${sha1(file.data)}$`, [undefined], 0],
    ['while a file is proved before its installation', `read payloads/${sha1(file.data)}$`, [undefined], 0],
    ['as the installer is about to change the machine', 'before-rename host-1\\.installed\\.json$', [undefined], 0],
    ['right after the installer changed the machine', 'after-rename host-1\\.installed\\.json$', [undefined], 1],
  ])('%s ends in OK, fetches nothing twice and installs once', async (_when, dieAt, ranges, installedBefore) => {
    const bench = await openHost();
    try {
      if (ranges.length > 1) {
        bench.site.fail(new RegExp(sha256(file.data)), { type: 'hang', afterBytes: 120_000 });
        await runCycle(await bench.agent(undefined, { triesPerCycle: 1 }));
      }
      await runAndDie(bench, dieAt);
      expect(await changesOf(bench)).toHaveLength(installedBefore);
      const result = await runCycle(await bench.agent());
      expect(result).toMatchObject({ state: 'OK', problems: [], updates: [{ state: 'OK' }] });
      expect(result.installs).toHaveLength(1 - installedBefore);
      expect(await changesOf(bench)).toHaveLength(1);
      expect(rangesOf(bench)).toEqual(ranges);
      expect(bench.site.broker.reports.at(-1)?.updates).toMatchObject([{ state: 'OK' }]);
    } finally {
      await bench.close();
    }
  });
});

describe('an agent that cannot write its journal after the installer ran', () => {
  /** The agent, with a disk that refuses so many journals from the end of the installation on. */
  async function breakingAfterInstall(bench: Bench, refusals: number, host = aHost()) {
    const agent = await bench.agent(host);
    const { updateAgent, documents } = agent.adapters;
    let left = 0;
    const breaking = createAgent(agent.settings, {
      ...agent.adapters,
      updateAgent: {
        ...updateAgent,
        async install(update, files) {
          const outcome = await updateAgent.install(update, files);
          left = refusals;
          return outcome;
        },
      },
      documents: {
        ...documents,
        async write(name, value) {
          if (name === 'journal' && left > 0) {
            left -= 1;
            throw new AgentError('disk', 'the disk refuses');
          }
          await documents.write(name, value);
        },
      },
    });
    return { agent, breaking };
  }
  const journalOf = async ({ folder }: Bench) =>
    JSON.parse(await readFile(join(folder, 'host-1', 'state', 'journal.json'), 'utf8'));

  it.each([1, 100])('says what went wrong and does not install again: %i journals are refused', async (refusals) => {
    const bench = await openHost();
    try {
      const { agent, breaking } = await breakingAfterInstall(bench, refusals);
      const broken = await runCycle(breaking);
      expect(broken.installs).toMatchObject([{ outcome: 'installed' }]);
      expect(broken.problems[0]).toMatchObject({ phase: 'install', code: 'disk', message: 'the disk refuses' });
      expect(await runCycle(agent)).toMatchObject({ state: 'OK', problems: [], installs: [] });
      expect(await changesOf(bench)).toHaveLength(1);
    } finally {
      await bench.close();
    }
  });

  it.each([1, 100])(
    'counts an attempt that failed, so that it is not repeated for ever: %i are refused',
    async (refusals) => {
      const bench = await openHost();
      try {
        const host = aHost({ failing: [{ updateId: unitId(1), hresult: '0x80070643', message: '' }] });
        const { agent, breaking } = await breakingAfterInstall(bench, refusals, host);
        expect((await runCycle(breaking)).installs).toMatchObject([{ outcome: 'failed', hresult: '0x80070643' }]);
        expect((await journalOf(bench)).installs).toMatchObject([{ attempts: 1, outcome: 'running' }]);
        await runCycle(agent);
        expect((await journalOf(bench)).installs).toMatchObject([{ attempts: 2, outcome: 'failed' }]);
      } finally {
        await bench.close();
      }
    },
  );
});
