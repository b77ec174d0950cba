import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { microsoftRoots } from '#shared/authenticode/index.ts';
import { packCab } from '#test/kit/pack-slice.ts';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { pointTo, publish, type SmallUpdate } from '../fixtures/publication.ts';
import { runCycle } from './cycle.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const a = { name: 'a.cab', data: randomBytes(5000) };
const one: SmallUpdate = { id: 1, kb: '5000001', files: [a], severity: 'Critical' };
const two: SmallUpdate = { id: 2, kb: '5000002', files: [a, { name: 'b.cab', data: randomBytes(5000) }] };

describe('the signature of the index', () => {
  const unsigned = pointTo(packCab({ 'package.cab': 'nobody signed this' }, 'stored'));

  it('an index without one is refused once and not downloaded again, and the old one stays in use', async () => {
    const { site } = bench;
    const good = publish([one]);
    site.publish(good);
    const agent = await bench.agent();
    await runCycle(agent);
    site.publish(unsigned);
    const refused = await runCycle(agent);
    expect(refused.problems).toMatchObject([
      { phase: 'pull', code: 'bad-signature', message: expect.stringContaining('unsigned: the cabinet carries no') },
    ]);
    expect(refused.index).toMatchObject({ sha256: good.pointer.sha256, bytesReceived: 0 });
    expect(refused.state).toBe('ERROR');
    expect(site.broker.reports.at(-1)).toMatchObject({
      indexSha256: good.pointer.sha256,
      indexProblem: expect.stringContaining('unsigned: the cabinet carries no'),
      updates: [{ kbs: ['5000001'] }],
    });
    const again = await runCycle(agent);
    expect(again.problems).toMatchObject([{ code: 'bad-signature' }]);
    expect(site.gets(new RegExp(unsigned.pointer.sha256))).toHaveLength(1);
    // Refused ones do not pile up, and the next good one clears them away.
    site.publish(pointTo(packCab({ other: 'nor this' }, 'stored')));
    await runCycle(agent);
    const folder = join(bench.folder, 'host-1', 'index');
    expect(await readdir(folder)).toHaveLength(2);
    const next = publish([one, two]);
    site.publish(next);
    expect((await runCycle(agent)).problems).toEqual([]);
    expect(await readdir(folder)).toEqual([`${next.pointer.sha256}.cab`]);
  });

  it('one under another root is refused, and nothing is scanned when there is no other', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const microsoftOnly = { indexTrust: { roots: microsoftRoots, allowSha1: false } };
    const result = await runCycle(await bench.agent(aHost(), microsoftOnly));
    expect(result.problems).toMatchObject([
      { phase: 'pull', code: 'bad-signature', message: expect.stringContaining('does not lead to a trusted root') },
      { phase: 'scan', code: 'nothing-stored', message: 'cannot scan: no usable index is stored here yet' },
    ]);
    expect(result.state).toBe('ERROR');
    expect(site.broker.reports).toMatchObject([
      { indexProblem: expect.stringContaining('does not lead to a trusted root'), updates: [], needs: [] },
    ]);
    expect(site.broker.reports[0]).not.toHaveProperty('indexSha256');
  });

  it('one that an older version of the agent left unchecked and unsigned is reported, and so is its end', async () => {
    const { site } = bench;
    const good = publish([one]);
    site.publish(good);
    const agent = await bench.agent();
    await runCycle(agent);
    const document = join(bench.folder, 'host-1', 'state', 'index.json');
    const older = { ...JSON.parse(await readFile(document, 'utf8')), pointer: unsigned.pointer };
    const { signature: _, etag: __, ...unchecked } = older;
    await writeFile(document, JSON.stringify(unchecked));
    const path = agent.adapters.files.pathOf({ kind: 'index', sha256: unsigned.pointer.sha256 });
    await writeFile(path, unsigned.cab);
    site.publish(unsigned);
    expect(await runCycle(agent)).toMatchObject({ state: 'ERROR', updates: [] });
    expect(site.broker.reports.at(-1)).toMatchObject({ indexProblem: expect.stringContaining('unsigned') });
    site.publish(good);
    const mended = await runCycle(agent);
    expect(mended.problems).toEqual([]);
    expect(mended.state).not.toBe('ERROR');
    expect(site.broker.reports.at(-1)).not.toHaveProperty('indexProblem');
  });

  it('is checked when an older version of the agent left the index without checking it', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const agent = await bench.agent();
    await runCycle(agent);
    const document = join(bench.folder, 'host-1', 'state', 'index.json');
    const { signature, ...older } = JSON.parse(await readFile(document, 'utf8'));
    expect(signature).toContain('valid: signed by CN=signer of the tests');
    await writeFile(document, JSON.stringify(older));
    await runCycle(agent);
    expect(JSON.parse(await readFile(document, 'utf8'))).toEqual({ ...older, signature });
  });
});
