import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RuleBook, ruleBook } from '#shared/contract/rules.ts';
import { isSameBook, withAssigned, withoutPackage, withPackages, withUnassigned } from './book.ts';
import { promote } from './promote.ts';

const packageNamed = (name: string, priority = 0) => ({ name, priority, rules: [] });
const bookOf = (
  groups: Readonly<Record<string, string[]>>,
  hosts: Readonly<Record<string, string[]>> = {},
): RuleBook => ({
  packages: [packageNamed('base', 1), packageNamed('base.next', 2), packageNamed('other')],
  assignments: { groups, hosts },
});

describe('promote', () => {
  it('assigns a package without a draft to the next ring too', () => {
    const promoted = promote(bookOf({ pilot: ['base', 'other'], everyone: ['other'] }), 'base', 'pilot', 'everyone');
    expect(promoted.said).toEqual(['group everyone gets base']);
    expect(promoted.book.assignments.groups).toEqual({ pilot: ['base', 'other'], everyone: ['base', 'other'] });
  });

  it('gives the draft to the next ring in the place of the package, while others have that', () => {
    const book = bookOf({ test: ['base.next'], pilot: ['base'], everyone: ['base', 'other'] });
    const promoted = promote(book, 'base', 'test', 'pilot');
    expect(promoted.said).toEqual(['group pilot gets base.next in the place of base']);
    expect(promoted.book).toEqual({
      packages: book.packages,
      assignments: { groups: { test: ['base.next'], pilot: ['base.next'], everyone: ['base', 'other'] }, hosts: {} },
    });
  });

  it('lets the draft take the name when nobody has the old package any more', () => {
    const book = bookOf(
      { test: ['base.next'], pilot: ['base.next'], everyone: ['base', 'other'] },
      { 'pc-1': ['base.next'] },
    );
    const { book: after, said } = promote(book, 'base', 'pilot', 'everyone');
    expect(said).toEqual([
      'group everyone gets base.next in the place of base',
      'nobody has the old base any more: base.next becomes base',
    ]);
    expect(after).toEqual({
      packages: [packageNamed('base', 2), packageNamed('other')],
      assignments: {
        groups: { test: ['base'], pilot: ['base'], everyone: ['base', 'other'] },
        hosts: { 'pc-1': ['base'] },
      },
    });
  });

  it('leaves the draft a draft while a single host has the old package', () => {
    const book = bookOf({ pilot: ['base.next'], everyone: ['base'] }, { 'pc-1': ['base'] });
    expect(promote(book, 'base', 'pilot', 'everyone').book.packages).toHaveLength(3);
  });

  it('makes the first version of a package from its draft', () => {
    const { packages, assignments } = withoutPackage(bookOf({ pilot: ['base.next'] }), 'base');
    const { book } = promote({ packages, assignments }, 'base', 'pilot', 'everyone');
    expect(book.packages).toEqual([packageNamed('base', 2), packageNamed('other')]);
    expect(book.assignments.groups).toEqual({ everyone: ['base'], pilot: ['base'] });
  });

  it('goes back in the same way', () => {
    const { book } = promote(bookOf({ pilot: ['base.next'], everyone: ['base'] }), 'base', 'everyone', 'pilot');
    expect(book.assignments.groups).toEqual({ everyone: ['base'], pilot: ['base'] });
  });

  it.each([
    ['base', { everyone: ['base'] }, 'group pilot has neither base nor base.next'],
    ['base', { pilot: ['base', 'base.next'] }, 'group pilot has both base and base.next'],
    ['none', { pilot: ['base'] }, 'there is no package none; there are base, base.next, other'],
  ])('refuses %s of %j', (name, groups, message) => {
    expect(() => promote(bookOf(groups), name, 'pilot', 'everyone')).toThrow(message);
  });

  const names = fc.uniqueArray(fc.constantFrom('base', 'base.next', 'other'));
  it('leaves every other place with the content that it had, whatever the names', () => {
    fc.assert(
      fc.property(names, names, names, names, (pilot, everyone, third, host) => {
        fc.pre(pilot.includes('base') !== pilot.includes('base.next'));
        const before = bookOf({ pilot, everyone, third }, { 'pc-1': host });
        const { book: after } = promote(before, 'base', 'pilot', 'everyone');
        expect(ruleBook.safeParse(after).success).toBe(true);
        const contents = (book: RuleBook, assigned: readonly string[] = []): readonly number[] =>
          assigned.map((name) => book.packages.find((one) => one.name === name)?.priority ?? -1).toSorted();
        expect(contents(after, after.assignments.groups.third)).toEqual(contents(before, third));
        expect(contents(after, after.assignments.groups.pilot)).toEqual(contents(before, pilot));
        expect(contents(after, after.assignments.hosts['pc-1'])).toEqual(contents(before, host));
        const wanted = new Set([
          ...everyone.filter((name) => name === 'other'),
          ...pilot.filter((name) => name !== 'other'),
        ]);
        expect(contents(after, after.assignments.groups.everyone)).toEqual(contents(before, [...wanted]));
      }),
    );
  });
});

describe('books', () => {
  it('are the same in whatever order they were written', () => {
    const a = bookOf({ pilot: ['base', 'other'], empty: [] });
    const b = { packages: a.packages.toReversed(), assignments: { groups: { pilot: ['other', 'base'] }, hosts: {} } };
    expect(isSameBook(a, b)).toBe(true);
    expect(isSameBook(a, withPackages(b, [packageNamed('base', 7)]))).toBe(false);
    expect(isSameBook(a, withUnassigned(b, 'other', { groups: ['pilot'], hosts: [] }))).toBe(false);
    expect(isSameBook(a, withAssigned(b, 'other', { groups: [], hosts: ['pc-1'] }))).toBe(false);
  });

  it('change in place, and lose a package everywhere at once', () => {
    const book = bookOf({ pilot: ['base'], everyone: ['base', 'other'] }, { 'pc-1': ['base'] });
    expect(
      withPackages(book, [packageNamed('base', 9), packageNamed('a')]).packages.map(({ name, priority }) => [
        name,
        priority,
      ]),
    ).toEqual([
      ['a', 0],
      ['base', 9],
      ['base.next', 2],
      ['other', 0],
    ]);
    expect(withoutPackage(book, 'base')).toEqual({
      packages: [packageNamed('base.next', 2), packageNamed('other')],
      assignments: { groups: { everyone: ['other'] }, hosts: {} },
    });
  });
});
