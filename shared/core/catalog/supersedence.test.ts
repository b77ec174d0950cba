import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findSuperseders } from './supersedence.ts';

type Graph = Readonly<Record<string, readonly string[]>>;
const find = (graph: Graph, starts: readonly string[], present = Object.keys(graph)) =>
  Object.fromEntries(findSuperseders(starts, (id) => graph[id] ?? [], present));

describe('findSuperseders', () => {
  it('goes through what is not present, and names only what is', () => {
    expect(find({ a: ['b'], b: ['c'], c: [] }, ['a', 'c'], ['a', 'c'])).toEqual({ a: ['c'], c: [] });
  });

  it('leaves out what replaces each other, alone or among others', () => {
    expect(find({ a: ['a'] }, ['a'])).toEqual({ a: [] });
    expect(find({ a: ['b'], b: ['a', 'c'], c: [], d: ['a'] }, ['a', 'b', 'd'])).toEqual({
      a: ['c'],
      b: ['c'],
      d: ['a', 'b', 'c'],
    });
  });

  it('gives what the definition says: reached, and not reaching back', () => {
    const ids = Array.from({ length: 9 }, (_, number) => `u${number}`);
    const graphs = fc.dictionary(fc.constantFrom(...ids), fc.subarray(ids), { maxKeys: 9 });
    const reached = (graph: Graph, from: string): Set<string> => {
      const found = new Set<string>();
      for (const open = [from]; open.length > 0; ) {
        for (const newer of graph[open.pop() ?? ''] ?? []) {
          if (found.has(newer)) continue;
          found.add(newer);
          open.push(newer);
        }
      }
      return found;
    };
    fc.assert(
      fc.property(graphs, fc.subarray(ids), fc.shuffledSubarray(ids), (graph, starts, present) => {
        const expected = starts.map((start) => [
          start,
          present.filter((id) => reached(graph, start).has(id) && !reached(graph, id).has(start)),
        ]);
        expect(find(graph, starts, present)).toEqual(Object.fromEntries(expected));
      }),
    );
  });

  it('takes a chain of 20,000 updates, each replaced by the next twenty, in its stride', () => {
    const length = 20_000;
    const newerThan = (id: string): string[] =>
      Array.from({ length: 20 }, (_, step) => Number(id) + step + 1).flatMap((id) => (id < length ? [String(id)] : []));
    const present = Array.from({ length: 2000 }, (_, number) => String(number * 10));
    const found = findSuperseders(present, newerThan, present);
    expect(found.get('0')).toHaveLength(1999);
    expect(found.get('19990')).toEqual([]);
  }, 20_000);
});
