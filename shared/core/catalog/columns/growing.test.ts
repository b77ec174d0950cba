import { describe, expect, it } from 'vitest';
import { float64Column, ListsColumn, listEnd, listStart, NumberColumn, uint8Column } from './growing.ts';

describe('Column', () => {
  it.each([
    ['8 bits', uint8Column, 0xff],
    ['doubles', float64Column, 12_293_231_150],
  ] as const)('of %s keeps what is pushed while it grows', (_, column, most) => {
    const values = column(1);
    for (let at = 0; at < 5000; at += 1) values.push(at % 2 === 0 ? most : at % 200);
    expect([values.length, values.at(0), values.at(4998), values.at(4999)]).toEqual([5000, most, most, 199]);
    values.set(4999, 7);
    expect(values.view()).toHaveLength(5000);
    const taken = values.take();
    expect([taken.length, taken[4998], taken[4999]]).toEqual([5000, most, 7]);
  });

  it('of bytes appends whole pieces', () => {
    const bytes = uint8Column(1);
    bytes.append(new Uint8Array(3000).fill(1));
    bytes.append(Uint8Array.of(2, 3));
    bytes.append([]);
    expect([bytes.length, ...bytes.view().subarray(2999)]).toEqual([3002, 1, 2, 3]);
  });

  it('gives its memory away, or frees it', () => {
    const taken = uint8Column();
    taken.push(5);
    const { buffer } = taken.raw;
    expect([...taken.take()]).toEqual([5]);
    expect([taken.length, buffer.byteLength]).toEqual([0, 0]);
    const freed = uint8Column();
    const held = freed.raw.buffer;
    freed.free();
    expect([freed.length, held.byteLength]).toEqual([0, 0]);
  });
});

describe('NumberColumn', () => {
  it('keeps what is pushed from one page to the next', () => {
    const values = new NumberColumn();
    for (let at = 0; at < 20_000; at += 1) values.push(0xffff_ffff - at);
    for (const at of [0, 8191, 8192, 16_384, 19_999]) expect(values.at(at)).toBe(0xffff_ffff - at);
    values.set(8192, 7);
    values.set(19_999, 8);
    expect(values.length).toBe(20_000);
    const taken = values.take();
    expect([taken.length, taken[8191], taken[8192], taken[19_999]]).toEqual([20_000, 0xffff_ffff - 8191, 7, 8]);
    expect(values.length).toBe(0);
  });

  it('begins anew when its values were given away, at the end of a page too', () => {
    const values = new NumberColumn();
    for (const count of [8192, 3, 0]) {
      for (let at = 0; at < count; at += 1) values.push(count);
      expect(values.take()).toEqual(new Uint32Array(count).fill(count));
    }
    values.push(1);
    values.free();
    expect(values.length).toBe(0);
  });
});

describe('ListsColumn', () => {
  it('keeps lists one after the other, empty ones too', () => {
    const lists = new ListsColumn();
    for (const list of [[1, 2], [], [3]]) {
      for (const value of list) lists.push(value);
      lists.close();
    }
    expect(lists.count).toBe(3);
    expect([0, 1, 2].map((index) => [...lists.at(index)])).toEqual([[1, 2], [], [3]]);
    const taken = lists.take();
    expect(taken).toEqual({ ends: Uint32Array.of(2, 2, 3), values: Uint32Array.of(1, 2, 3) });
    expect([0, 1, 2].map((index) => [listStart(taken, index), listEnd(taken, index)])).toEqual([
      [0, 2],
      [2, 2],
      [2, 3],
    ]);
  });
});
