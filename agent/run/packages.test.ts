import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildKey } from '#shared/contract/keys.ts';
import type { PackageManifestDocument } from '#shared/contract/packages.ts';
import { throwawaySigner } from '#test/kit/signed-repository.ts';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { publish, sha256 } from '../fixtures/publication.ts';
import type { Agent } from './agent.ts';
import { runCycle } from './cycle.ts';

const setup = Buffer.from('the program that sets up');
const manifest = (changes: Partial<PackageManifestDocument> = {}): PackageManifestDocument => ({
  version: 1,
  name: 'tool',
  packageVersion: '1.0',
  kind: 'command',
  title: 'Tool',
  files: [{ name: 'setup.exe', sha256: sha256(setup), size: setup.byteLength }],
  command: { program: '{file:setup.exe}', arguments: ['/s'] },
  detection: { kind: 'file', path: 'C:\\tool.exe' },
  prerequisites: {},
  exitCodes: { success: [0], restart: [3010], notNeeded: [5] },
  reboot: 'can',
  timeoutSeconds: 60,
  publishedAt: '2026-01-01T00:00:00Z',
  ...changes,
});

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  bench.site.publish(publish([]));
  await bench.site.publishSigned();
  const key = buildKey({ kind: 'package-file', sha256: sha256(setup) });
  bench.site.objects.set(key, { data: setup, etag: '"setup"' });
});
afterEach(() => bench.close());

/** Signs these packages for the group of the hosts. */
const sign = (...manifests: readonly PackageManifestDocument[]): Promise<void> =>
  bench.site.signed.publishPackages(manifests, {
    groups: { [bench.site.broker.group]: manifests.map(({ name, packageVersion }) => `${name}/${packageVersion}`) },
    hosts: {},
  });
const downloads = () => bench.site.gets(/^\/packages\//).length;
const reported = () => bench.site.broker.reports.at(-1)?.packages;
const journalOf = async () => JSON.parse(await readFile(join(bench.folder, 'host-1/state/journal.json'), 'utf8'));
/** A host on which the package ends so. */
const ending = (exitCode: number | 'timeout', times?: number) =>
  aHost({ packages: [{ name: 'tool', exitCode, ...(times !== undefined && { times }) }] });

describe('a package', () => {
  it('is downloaded, run once, reported, and its file goes', async () => {
    await sign(manifest());
    const agent = await bench.agent();
    expect(await runCycle(agent)).toMatchObject({
      state: 'OK',
      packageRuns: [{ name: 'tool', outcome: 'installed', detail: 'the command ended with exit code 0' }],
      packages: [{ name: 'tool', packageVersion: '1.0', state: 'OK' }],
      problems: [],
    });
    expect(bench.site.broker.reports.map(({ packages }) => packages?.[0]?.state)).toEqual(['PENDING', 'OK']);
    expect(await readdir(join(bench.folder, 'host-1/packages'))).toEqual([]);
    expect(await journalOf()).toMatchObject({ packages: [], packageDownloads: [] });
    expect(await runCycle(agent)).toMatchObject({ packageRuns: [], reports: [] });
    expect(downloads()).toBe(1);
  });

  it('that is taken away leaves the report, and what it installed', async () => {
    await sign(manifest());
    const agent = await bench.agent();
    await runCycle(agent);
    await sign();
    expect(await runCycle(agent)).toMatchObject({ packages: [], state: 'OK' });
    expect(reported()).toBeUndefined();
    await sign(manifest());
    expect(await runCycle(agent)).toMatchObject({ packages: [{ state: 'OK' }], packageRuns: [] });
  });

  it('that is new, or is taken away, makes a check-in a full cycle', async () => {
    const agent = await bench.agent();
    await runCycle(agent);
    const hear = () => runCycle(agent, { phases: ['check-in'] });
    expect((await hear()).phases).toEqual(['check-in', 'trust']);
    await sign(manifest());
    expect(await hear()).toMatchObject({ packageRuns: [{ outcome: 'installed' }], packages: [{ state: 'OK' }] });
    expect((await hear()).phases).toEqual(['check-in', 'trust']);
    await sign();
    expect((await hear()).phases).toContain('scan');
    expect((await hear()).phases).toEqual(['check-in', 'trust']);
  });

  it('that fails is tried so often, and again in its next version', async () => {
    await sign(manifest());
    const agent = await bench.agent(ending(1603, 2), { maxInstallAttempts: 2 });
    expect(await runCycle(agent)).toMatchObject({
      state: 'ERROR',
      packages: [{ state: 'ERROR', reason: 'the command ended with exit code 1603 (attempt 1 of 2)' }],
    });
    await runCycle(agent);
    expect(await runCycle(agent)).toMatchObject({
      packageRuns: [],
      packages: [{ reason: expect.stringContaining('attempt 2 of 2; given up until its next version') }],
    });
    await sign(manifest({ packageVersion: '1.1' }));
    expect(await runCycle(agent)).toMatchObject({ state: 'OK', packageRuns: [{ packageVersion: '1.1' }] });
  });

  it.each([
    ['timeout', 'ERROR', 'the command was ended after 60 seconds (attempt 1 of 5)'],
    [5, 'OK', 'not needed here: the command ended with exit code 5'],
    [3010, 'PENDING', 'done but for a restart: the command ended with exit code 3010'],
    [0, 'ERROR', expect.stringMatching(/^the command reported success at .* \(attempt 1 of 5\)$/)],
  ] as const)('that ends with %s is %s', async (exitCode, state, reason) => {
    await sign(manifest());
    expect((await runCycle(await bench.agent(ending(exitCode)))).packages).toMatchObject([{ state, reason }]);
  });

  it('in which the agent died is repeated, and counts', async () => {
    await sign(manifest());
    const agent = await bench.agent();
    const dying: Agent = {
      ...agent,
      adapters: {
        ...agent.adapters,
        packageRunner: {
          ...agent.adapters.packageRunner,
          run: async () => {
            throw new Error('killed');
          },
        },
      },
    };
    await expect(runCycle(dying)).rejects.toThrow('killed');
    expect(await journalOf()).toMatchObject({ packages: [{ name: 'tool', attempts: 1, outcome: 'running' }] });
    expect(await runCycle(await bench.agent())).toMatchObject({ state: 'OK', packageRuns: [{ outcome: 'installed' }] });
    expect(downloads(), 'what was proved is not fetched again').toBe(1);
  });

  it('comes after those that it needs, in one cycle', async () => {
    const base = manifest({ name: 'base', detection: { kind: 'file', path: 'C:\\base' } });
    await sign(manifest({ prerequisites: { packages: ['base/1.0'] } }), base);
    const { packageRuns, state } = await runCycle(await bench.agent());
    expect([state, ...packageRuns.map(({ name }) => name)]).toEqual(['OK', 'base', 'tool']);
  });

  it('waits as long as the rules of the host say, and says until when', async () => {
    const publishedAt = new Date(Date.now() - 3_600_000).toISOString();
    await sign(manifest({ publishedAt }));
    bench.site.broker.rules = {
      ...bench.site.broker.rules,
      revision: bench.site.broker.rules.revision + 1,
      packages: [{ name: 'slow', priority: 0, rules: [], settings: { installDelaySeconds: 7200 } }],
    };
    const due = new Date(Date.parse(publishedAt) + 7_200_000).toISOString();
    expect(await runCycle(await bench.agent())).toMatchObject({
      nextChangeAt: due,
      packages: [{ state: 'DISCARDED', reason: `delayed until ${due}, counted from ${publishedAt}` }],
      packageRuns: [],
    });
    expect(downloads()).toBe(0);
  });

  it('is installed from what is here when the broker is away', async () => {
    await sign(manifest());
    const agent = await bench.agent();
    await runCycle(agent, { phases: ['check-in', 'trust', 'pull', 'scan', 'download'] });
    bench.site.fail(/./, { type: 'status', status: 503 }, 1000);
    expect((await runCycle(agent, { phases: ['scan', 'install'] })).packageRuns).toMatchObject([
      { outcome: 'installed' },
    ]);
  });

  it('whose file is damaged on the disk fetches it again', async () => {
    await sign(manifest());
    const agent = await bench.agent();
    await runCycle(agent, { phases: ['check-in', 'trust', 'pull', 'scan', 'download'] });
    await writeFile(join(bench.folder, 'host-1/packages', sha256(setup)), 'x'.repeat(setup.byteLength));
    expect((await runCycle(agent, { phases: ['scan', 'install'] })).packageRuns).toMatchObject([
      { outcome: 'failed', detail: 'setup.exe was damaged on the disk; it will be downloaded again' },
    ]);
    expect(await runCycle(agent)).toMatchObject({ state: 'OK' });
  });
});

describe('what is refused', () => {
  it('wrong bytes are asked for twice, reported and never kept', async () => {
    await sign(manifest());
    bench.site.fail(/^\/packages\//, { type: 'wrong-bytes' }, 2);
    const agent = await bench.agent();
    expect(await runCycle(agent)).toMatchObject({
      state: 'ERROR',
      packages: [{ state: 'ERROR', reason: expect.stringMatching(/^download of setup\.exe failed: .*SHA-256/) }],
      packageRuns: [],
    });
    expect(reported()).toMatchObject([{ state: 'ERROR' }]);
    expect(await runCycle(agent)).toMatchObject({ state: 'OK', packages: [{ state: 'OK' }] });
  });

  it('packages that no administrator signed: those of before still count', async () => {
    await sign(manifest());
    const agent = await bench.agent();
    await runCycle(agent);
    await bench.site.signed.publishPackages([], { groups: {}, hosts: {} }, throwawaySigner());
    expect(await runCycle(agent)).toMatchObject({
      packages: [{ name: 'tool', state: 'OK' }],
      problems: [{ code: 'untrusted', message: 'custom is refused: custom was signed by 0/1 keys' }],
    });
  });

  it('an older version of the role, also when the host forgot the versions of TUF', async () => {
    const { signed } = bench.site;
    await sign();
    const old = signed.parts.custom;
    await sign(manifest());
    const agent = await bench.agent();
    await runCycle(agent);
    await signed.compose({ ...signed.parts, custom: old }, signed.parts.feed);
    const { rm } = await import('node:fs/promises');
    await rm(join(bench.folder, 'host-1/trust'), { recursive: true });
    expect((await runCycle(agent)).problems).toMatchObject([
      {
        code: 'untrusted',
        message: expect.stringMatching(/^custom is refused: version \d+ is less than current version/),
      },
    ]);
  });

  it('a manifest with other bytes than its digest says', async () => {
    await sign(manifest());
    const [key = ''] = [...bench.site.signed.objects.keys()].filter((one) => one.includes('/packages/'));
    const text = bench.site.signed.objects.get(key) ?? '';
    bench.site.signed.objects.set(key, text.replace('"/s"', '"/x"'));
    const { problems } = await runCycle(await bench.agent());
    expect(problems[0]?.message).toBe('custom/packages/tool-1.0.json is not what its digest and length say');
    expect(downloads()).toBe(0);
  });
});
