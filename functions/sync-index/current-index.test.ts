import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { hex } from '#test/kit/sound-index.ts';
import { altered, dying, first, SyncBench, second } from '#test/kit/sync-bench.ts';
import { sha256 } from '#test/kit/values.ts';

let bench: SyncBench;
beforeEach(async () => {
  bench = await SyncBench.start();
});
afterEach(() => bench.close());

const addressOf = async (name: string): Promise<string | undefined> =>
  (await bench.catalog.fileFacts([hex(name)])).get(hex(name))?.url;

describe('facts of a publication that died', () => {
  beforeEach(async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    bench.publish(second, '"two"');
    await expect(bench.sync({ catalog: dying(bench.catalog, 'putFacts', 'after') })).rejects.toThrow('died');
    expect(await addressOf('a.cab')).toContain('/d/a.cab');
    // Long enough for its copy to be dropped.
    bench.seconds += 25 * 3600;
    bench.endsAt += 25 * 3600;
    bench.publish(first, '"one"');
  });

  it('are taken back by the next run when the origin took the publication back', async () => {
    expect(await bench.sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    expect(await addressOf('a.cab')).toContain('/c/a.cab');
    expect(await bench.journal.unfinished()).toBeUndefined();
  });

  it('stay, and are remembered, while the catalogue of the current index is lost', async () => {
    bench.catalog.snapshots.clear();
    expect(await bench.sync()).toMatchObject({ outcome: 'unchanged' });
    expect(await bench.journal.unfinished()).toMatchObject({ sha256: sha256(second) });
  });

  it('are taken back also when the same bytes come under another tag', async () => {
    bench.publish(first, '"other"');
    expect(await bench.sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    expect(await addressOf('a.cab')).toContain('/c/a.cab');
    expect(await bench.journal.unfinished()).toBeUndefined();
  });
});

it('a note about the current index itself, left by a run that died behind the pointer, is cleared', async () => {
  bench.publish(first, '"one"');
  await expect(bench.sync({ journal: dying(bench.journal, 'clearUnfinished', 'before') })).rejects.toThrow('died');
  expect(await bench.sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
  expect(await bench.journal.unfinished()).toBeUndefined();
  await bench.journal.putUnfinished({ version: 1, copyId: 'x', sha256: sha256(first), at: '2026-07-15T00:00:00Z' });
  expect(await bench.sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
  expect(await bench.journal.unfinished()).toBeUndefined();
  // By the run that died, and by each that found its note: nobody knows whether the one before got that far.
  expect(bench.events.of('IndexPublished')).toHaveLength(3);
  expect(bench.publisher.messages, 'hosts are offered each').toHaveLength(3);
});

it('a publication whose run died is told of also when a person has it read again', async () => {
  bench.publish(first, '"one"');
  await bench.sync();
  await bench.invoke({ runId: 'asked' }, { decoderVersion: 1000 });
  expect(bench.events.of('IndexPublished'), 'reading again is no publication').toHaveLength(1);
  await bench.journal.putUnfinished({ version: 1, copyId: 'x', sha256: sha256(first), at: '2026-07-15T00:00:00Z' });
  await bench.invoke({ runId: 'again' }, { decoderVersion: 1001 });
  expect(bench.events.of('IndexPublished')).toHaveLength(2);
});

describe('a decoder that was mended', () => {
  const mended = { decoderVersion: 1000 };

  it('reads the current index again when a person asks, from what is stored', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    await bench.catalog.putFileFacts([{ sha1: hex('a.cab'), url: 'http://as.the.old.decoder/said' }]);
    const before = bench.index.pointer?.pointer;
    bench.partsAsked();
    expect(await bench.sync(mended)).toMatchObject({ outcome: 'unchanged' });
    const { result } = await bench.invoke({ runId: 'asked' }, mended);
    expect(result).toMatchObject({ outcome: 'published', sha256: sha256(first), stored: false, factsWritten: 1 });
    expect(await addressOf('a.cab')).toContain('/c/a.cab');
    expect(bench.index.pointer?.pointer).toEqual({ ...before, decoder: 1000 });
    // Two questions, and no part of the index beside the one that a question asks for.
    expect(bench.partsAsked()).toEqual([0, 0]);
    expect((await bench.invoke({ runId: 'once more' }, mended)).result).toMatchObject({ outcome: 'unchanged' });
  });

  it('takes nothing over from what the one before read', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    await bench.catalog.putFileFacts([{ sha1: hex('a.cab'), name: 'as the old decoder said' }]);
    const compared: unknown[] = [];
    const putFacts: typeof bench.catalog.putFacts = (catalog: Catalog, options) => {
      compared.push(options.compareWithTable);
      return bench.catalog.putFacts(catalog, options);
    };
    const catalog = altered(bench.catalog, { putFacts });
    bench.publish(second, '"two"');
    expect(await bench.sync({ ...mended, catalog })).toMatchObject({ outcome: 'published' });
    expect(compared).toEqual([true]);
    expect(bench.index.pointer?.pointer.decoder).toBe(1000);
  });

  it('leaves the current index when it does not like it', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    const before = await bench.everything();
    const { result } = await bench.invoke({ runId: 'asked' }, { ...mended, trust: { roots: [], allowSha1: false } });
    expect(result).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(/read again.*signature/) });
    expect({ ...(await bench.everything()), runs: [] }).toEqual(before);
  });
});

it('a person may wish the current index to be read again in any case', async () => {
  bench.publish(first, '"one"');
  await bench.sync();
  bench.catalog.facts.clear();
  expect((await bench.invoke({ runId: 'asked' })).result).toMatchObject({ outcome: 'unchanged' });
  const { result } = await bench.invoke({ runId: 'wishing', again: true });
  expect(result).toMatchObject({ outcome: 'published', factsWritten: 1 });
  expect(bench.journal.runs.get('wishing')).toMatchObject({ wishes: { again: true }, state: 'ended' });
});
