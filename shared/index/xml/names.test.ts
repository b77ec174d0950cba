import { describe, expect, it } from 'vitest';
import { NameTable } from './names.ts';

/** Milliseconds to look names up again and again, of the fastest of some runs. */
function timeOf(names: readonly string[]): number {
  const table = new NameTable();
  for (const name of names) table.add(name);
  const runs = Array.from({ length: 5 }, () => {
    const begun = performance.now();
    for (let pass = 0; pass < 5; pass += 1) for (const [id, name] of names.entries()) expectSame(table.add(name), id);
    return performance.now() - begun;
  });
  return Math.min(...runs);
}

/** As `expect` does it, which would take longer than what is measured. */
function expectSame(got: number, expected: number): void {
  if (got !== expected) throw new Error(`number ${got} where ${expected} was expected`);
}

describe('NameTable', () => {
  it('takes names that were chosen to collide as easily as others', () => {
    // "Aa" and "BB" have one hash when each letter counts 31 times the next; so have all words made of them.
    const chosen = Array.from({ length: 2000 }, (_, at) =>
      Array.from({ length: 11 }, (_, bit) => ((at >>> bit) & 1 ? 'Aa' : 'BB')).join(''),
    );
    const usual = Array.from({ length: 2000 }, (_, at) => `an.element.of.22.${String(at).padStart(5, '0')}`);
    expect(timeOf(chosen)).toBeLessThan(timeOf(usual) * 10);
  });

  it('knows names by their bytes, and forgets those that are not planned', () => {
    const table = new NameTable();
    for (const name of ['a', 'b', 'a']) table.plan(name);
    expect([table.planned, table.add('c'), table.add('c'), table.add('b'), table.idOf('d')]).toEqual([2, 2, 2, 1, -1]);
    table.forget();
    expect([table.idOf('a'), table.idOf('b'), table.idOf('c'), table.add('d')]).toEqual([0, 1, -1, 2]);
    expect(table.textOf(2)).toBe('d');
  });
});
