import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShardList } from './index-xml.ts';

describe('the cabinet of a RevisionId', () => {
  it('is the one with the greatest start that is not above it, in whatever order they are listed', () => {
    const starts = fc.uniqueArray(fc.nat(50), { maxLength: 8 });
    fc.assert(
      fc.property(starts, fc.nat(60), (listed, revisionId) => {
        const list = new ShardList();
        list.add('package.cab', undefined);
        for (const start of listed) list.add(`package${start}.cab`, start);
        const owner = listed.filter((start) => start <= revisionId).sort((a, b) => b - a)[0];
        expect(list.ownerOf(revisionId)).toBe(owner === undefined ? undefined : `package${owner}.cab`);
      }),
    );
  });

  it('is found without a walk over all cabinets', () => {
    const list = new ShardList();
    const count = 60_000;
    const before = performance.now();
    for (let i = count; i > 0; i--) list.add(`package${i}.cab`, i * 10);
    for (let i = 1; i <= count; i++) if (list.ownerOf(i * 10 + 5) !== `package${i}.cab`) expect.fail(`cabinet ${i}`);
    // Some 50 ms; with a walk for each it was more than a minute.
    expect(performance.now() - before).toBeLessThan(5000);
  });
});
