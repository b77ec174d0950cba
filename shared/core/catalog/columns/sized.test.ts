import { describe, expect, it } from 'vitest';
import { resized, SizedLists } from './sized.ts';

describe('resized', () => {
  it('keeps the values, cut off or with zeros behind them, and frees the old array', () => {
    const values = Uint16Array.of(1, 2, 3);
    const longer = resized(values, 5, Uint16Array);
    expect([[...longer], values.length]).toEqual([[1, 2, 3, 0, 0], 0]);
    expect([...resized(longer, 2, Uint16Array)]).toEqual([1, 2]);
    const same = Float64Array.of(12_293_231_150);
    expect(resized(same, 1, Float64Array)).toBe(same);
  });
});

describe('SizedLists', () => {
  it.each([
    ['foreseen', { values: 603, lists: 202 }],
    ['more than foreseen', { values: 0, lists: 1 }],
    ['fewer than foreseen', { values: 9999, lists: 9999 }],
  ])('keeps lists one after the other, empty ones too: %s', (_, expected) => {
    const lists = new SizedLists(expected);
    for (let list = 0; list < 201; list += 1) {
      for (let at = 0; at < 3; at += 1) lists.push(list * 3 + at);
      lists.close();
    }
    lists.close();
    expect(lists.length).toBe(603);
    const { ends, values } = lists.take();
    expect(values).toEqual(Uint32Array.from({ length: 603 }, (_value, at) => at));
    expect([ends.length, ends[0], ends[200], ends[201]]).toEqual([202, 3, 603, 603]);
    expect(lists.take()).toEqual({ ends: new Uint32Array(0), values: new Uint32Array(0) });
  });
});
