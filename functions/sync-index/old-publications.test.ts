import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dying, first, SyncBench, second } from '#test/kit/sync-bench.ts';
import { at, sha256 } from '#test/kit/values.ts';
import { dropOldPublications } from './old-publications.ts';

const day = 86_400;

let bench: SyncBench;
beforeEach(async () => {
  bench = await SyncBench.start();
  bench.endsAt = 100 * day;
});
afterEach(() => bench.close());

/** Publications of before, the last one the youngest. */
function storeEarlier(...names: readonly string[]): void {
  for (const name of names) bench.index.stored.set(sha256(name), Buffer.from(name));
}
const stored = () => [...bench.index.stored.keys()].toSorted();
const digests = (...names: readonly (string | Uint8Array)[]) => names.map((name) => sha256(name)).toSorted();

describe('publications that were replaced', () => {
  beforeEach(async () => {
    storeEarlier('a', 'b', 'c', 'd');
    bench.publish(first, '"one"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
    bench.index.storedAt.set(sha256(first), 100);
  });

  it('stay while hosts may be downloading them, and then the newest two beside the current one', async () => {
    expect(stored()).toHaveLength(5);
    bench.seconds += 2 * day - 60;
    await bench.sync();
    expect(stored()).toHaveLength(5);
    bench.seconds += 60;
    const report = await bench.invoke();
    expect(report).toMatchObject({ result: { outcome: 'unchanged' }, dropped: 2 });
    expect(stored()).toEqual(digests('c', 'd', first));
    expect(await bench.invoke()).not.toHaveProperty('dropped');
  });

  it('go but for the current one when one is to be kept, however old it is', async () => {
    bench.index.storedAt.set(sha256(first), -1);
    bench.seconds += 3 * day;
    await bench.sync({ keepPublications: 1 });
    expect(stored()).toEqual(digests(first));
    expect((await bench.index.current())?.pointer.sha256).toBe(sha256(first));
  });

  it('stay when the facts of one of them are being written again', async () => {
    await bench.journal.putUnfinished({ version: 1, copyId: 'x', sha256: sha256('a'), at: at(1) });
    bench.seconds += 3 * day;
    expect(await dropOldPublications(bench.ports({ keepPublications: 1 }))).toBe(3);
    expect(stored()).toEqual(digests('a', first));
  });

  it('stay when the tick failed, and go with the next good one', async () => {
    bench.seconds += 3 * day;
    const lost = bench.origin.answer;
    bench.origin.answer = (_, response) => void response.writeHead(404).end();
    expect(await bench.sync()).toMatchObject({ outcome: 'failed' });
    expect(stored()).toHaveLength(5);
    bench.origin.answer = lost;
    await expect(bench.invoke({}, { index: dying(bench.index, 'dropPublication', 'after') })).rejects.toThrow('died');
    expect(await bench.sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    expect(stored()).toEqual(digests('c', 'd', first));
  });

  it('are not looked for right after the next publication', async () => {
    bench.seconds += 3 * day;
    bench.publish(second, '"two"');
    expect(await bench.invoke({}, { index: dying(bench.index, 'publications', 'before') })).toMatchObject({
      result: { outcome: 'published' },
    });
    expect(stored()).toHaveLength(6);
  });
});
