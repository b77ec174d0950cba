import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testRootPem } from '#test/kit/signed-index.ts';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { publish, type SmallFile, sha1, sha256 } from '../fixtures/publication.ts';
import { mountSmallDisk, type SmallDisk } from '../fixtures/small-disk.ts';
import { runCycle } from './cycle.ts';

const big: SmallFile = { name: 'big.cab', data: randomBytes(3_000_000) };
const small: SmallFile = { name: 'small.cab', data: randomBytes(5000) };
const published = publish([
  { id: 1, kb: '5000001', files: [big] },
  { id: 2, kb: '5000002', files: [small] },
]);
const reserve = 1_000_000;

let bench: Bench;
const offer = (): void => {
  bench.site.publish(published);
  bench.site.hold(big, small);
};

describe('a disk with too little room', () => {
  beforeEach(async () => {
    bench = await openBench();
    offer();
  });
  afterEach(() => bench.close());

  it('is noticed before a download begins, with what is needed and what is free', async () => {
    const agent = await bench.agent(aHost(), { triesPerCycle: 1 });
    await runCycle(agent, { phases: ['pull'] });
    bench.site.requests.length = 0;
    const cramped = await bench.agent(aHost(), { diskReserveBytes: 2 ** 52 });
    const result = await runCycle(cramped);
    expect(result.state).toBe('DISK_SPACE_ERROR');
    expect(result.problems).toMatchObject([
      {
        phase: 'download',
        code: 'no-space',
        message: expect.stringMatching(
          /^KB5000001 \(.*\) needs 3000000 bytes on the disk, and 4503599627370496 are to stay free; free are \d+$/,
        ),
      },
      { phase: 'download', code: 'no-space', message: expect.stringContaining('KB5000002') },
    ]);
    expect(bench.site.gets(/^\/payloads/)).toEqual([]);
    // The broker hears why.
    expect(bench.site.broker.reports.at(-1)?.updates.map(({ state, reason }) => [state, reason])).toEqual([
      ['ERROR', expect.stringContaining('needs 3000000 bytes on the disk')],
      ['ERROR', expect.stringContaining('needs 5000 bytes on the disk')],
    ]);
    expect(await runCycle(agent)).toMatchObject({ state: 'OK', problems: [] });
  });

  it('is told by a host that has no room for the index', async () => {
    const result = await runCycle(await bench.agent(aHost(), { diskReserveBytes: 2 ** 52 }));
    expect(result).toMatchObject({ state: 'DISK_SPACE_ERROR', updates: [] });
    expect(bench.site.broker.reports).toMatchObject([
      { indexProblem: expect.stringMatching(/^index [0-9a-f]{64} needs \d+ bytes on the disk/) },
    ]);
  });
});

const disk = await mountSmallDisk(8192);
if (disk === undefined) process.stderr.write('SKIPPED: no file system of a few MB can be mounted by this user\n');
afterAll(() => disk?.close());

describe.skipIf(disk === undefined)('a disk that is really full', () => {
  const onSmallDisk = async (test: (small: SmallDisk) => Promise<void>): Promise<void> => {
    if (disk === undefined) return;
    bench = await openBench(disk.path);
    try {
      offer();
      await test(disk);
    } finally {
      await bench.close();
    }
  };
  const part = () => join(bench.folder, 'host-1', 'payloads', `${sha1(big.data)}.part`);

  it('leaves out what does not fit, installs what does, and goes on when there is room', () =>
    onSmallDisk(async (small) => {
      const agent = await bench.agent(aHost(), { diskReserveBytes: reserve });
      const free = await small.fill(reserve + 500_000);
      expect(await runCycle(agent)).toMatchObject({
        state: 'DISK_SPACE_ERROR',
        downloads: [{ outcome: 'failed', code: 'no-space' }, { outcome: 'downloaded' }],
        installs: [{ outcome: 'installed' }],
      });
      await free();
      expect(await runCycle(agent)).toMatchObject({ state: 'OK', problems: [] });
    }));

  it('is survived in the middle of a download that somebody else overtook', () =>
    onSmallDisk(async (small) => {
      const agent = await bench.agent(aHost(), { triesPerCycle: 1 });
      await runCycle(agent, { phases: ['pull'] });
      let free: (() => Promise<void>) | undefined;
      const { files } = agent.adapters;
      // The room is there when it is looked at, and gone when the bytes come.
      const overtaken = {
        ...agent,
        adapters: {
          ...agent.adapters,
          files: {
            ...files,
            openPart: async (slot: Parameters<typeof files.openPart>[0]) => {
              free ??= await small.fill(1_500_000);
              return files.openPart(slot);
            },
            freeBytes: async () => Infinity,
          },
        },
      };
      const result = await runCycle(overtaken);
      expect(result).toMatchObject({
        state: 'DISK_SPACE_ERROR',
        downloads: [
          { outcome: 'failed', code: 'no-space', reason: expect.stringMatching(/ENOSPC.*free are \d+ bytes/) },
        ],
      });
      // What came is kept but for what the journal needs, and no half file of another kind stays.
      const { size } = await stat(part());
      expect(size).toBeGreaterThan(0);
      expect(size).toBeLessThan(1_000_000);
      expect(await readdir(join(bench.folder, 'host-1', 'state'))).not.toContainEqual(expect.stringMatching(/\.new$/));
      const journal = JSON.parse(await readFile(join(bench.folder, 'host-1', 'state', 'journal.json'), 'utf8'));
      expect(journal.downloads).toMatchObject([{ sha1: sha1(big.data), noRoom: true }]);
      await free?.();
      expect(await runCycle(agent)).toMatchObject({
        state: 'OK',
        downloads: [{ bytesResumed: size, bytesReceived: big.data.length - size }, { outcome: 'downloaded' }],
      });
    }));

  it('without a byte left breaks nothing that the next run needs', () =>
    onSmallDisk(async (small) => {
      const agent = await bench.agent(aHost(), { triesPerCycle: 1 });
      const free = await small.fill(0);
      const result = await runCycle(agent);
      expect(result.state).toBe('DISK_SPACE_ERROR');
      expect(result.problems.every(({ code }) => ['no-space', 'nothing-stored', 'busy'].includes(code))).toBe(true);
      await free();
      expect(await runCycle(await bench.agent())).toMatchObject({ state: 'OK', problems: [] });
    }));
});

describe('a limit of the size of files', () => {
  beforeEach(async () => {
    bench = await openBench();
    offer();
    await (await bench.agent()).adapters.updateAgent.machine();
    await writeFile(join(bench.folder, 'roots.pem'), testRootPem);
  });
  afterEach(() => bench.close());

  /** The agent as a process that may write no longer file. */
  const download = (limit: string) =>
    new Promise<string>((done) => {
      const bin = fileURLToPath(new URL('../bin.ts', import.meta.url));
      const env = {
        PATH: process.env.PATH,
        KBROKER_DATA: join(bench.folder, 'host-1'),
        KBROKER_SIMULATED_HOST: join(bench.folder, 'host-1.json'),
        KBROKER_INDEX_ROOTS: join(bench.folder, 'roots.pem'),
      };
      const args = ['-c', `ulimit -f ${limit}; exec "$0" "$1" download --json`, process.execPath, bin];
      execFile('/bin/sh', args, { env }, (_error, out) => done(out));
    });

  it.skipIf(process.platform === 'win32')('is as a disk without room', async () => {
    const limited = JSON.parse(await download('2000'));
    expect(limited).toMatchObject({ state: 'DISK_SPACE_ERROR', problems: [{ code: 'no-space' }] });
    expect(limited.problems[0].message).toContain('EFBIG');
    expect(bench.site.gets(new RegExp(sha256(big.data)))).toHaveLength(1);
    expect(JSON.parse(await download('unlimited'))).toMatchObject({ problems: [] });
  });
});
