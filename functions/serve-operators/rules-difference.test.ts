import { describe, expect, it } from 'vitest';
import type { RuleBook } from '#shared/contract/rules.ts';
import { rulesDifference } from './rules-difference.ts';

const packageOf = (name: string, priority = 0) => ({ name, priority, rules: [] });
const bookOf = (packages: RuleBook['packages'], groups = {}, hosts = {}): RuleBook => ({
  packages,
  assignments: { groups, hosts },
});
const difference = (before: RuleBook, after: RuleBook) =>
  rulesDifference({ revision: 4, book: before }, { revision: 5, book: after });

describe('the difference between two books', () => {
  it('names packages that came, changed and went', () => {
    const before = bookOf([packageOf('c'), packageOf('b'), packageOf('a')]);
    const after = bookOf([packageOf('z'), packageOf('d'), packageOf('b', 7), packageOf('a')]);
    expect(difference(before, after)).toMatchObject({
      before: { revision: 4, packages: 3 },
      after: {
        revision: 5,
        packages: 4,
        packagesAdded: ['d', 'z'],
        packagesChanged: ['b'],
        packagesRemoved: ['c'],
        groupsReassigned: [],
        hostsReassigned: { total: 0, first: [] },
      },
    });
  });

  it('names groups and hosts that have other packages, whatever the order of the lists', () => {
    const packages = [packageOf('a'), packageOf('b')];
    const before = bookOf(packages, { same: ['a', 'b'], less: ['a', 'b'], gone: ['a'], none: [] }, { 'pc-1': ['a'] });
    const after = bookOf(packages, { same: ['b', 'a', 'b'], less: ['a'], more: ['b'] }, { 'pc-2': ['a'] });
    expect(difference(before, after).after).toMatchObject({
      groupsReassigned: ['gone', 'less', 'more'],
      hostsReassigned: { total: 2, first: ['pc-1', 'pc-2'] },
    });
  });

  it('stays short, however many hosts there are', () => {
    const hosts = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`pc-${n}`, ['a']]));
    const { after } = difference(bookOf([packageOf('a')]), bookOf([packageOf('a')], {}, hosts));
    expect(after.hostsReassigned.total).toBe(5000);
    expect(after.hostsReassigned.first).toHaveLength(100);
  });

  it('tells equal books by their digest, however they are spelt', () => {
    const one = bookOf([{ name: 'a', priority: 0, rules: [] }]);
    const other = bookOf([{ rules: [], priority: 0, name: 'a' }]);
    const { before, after } = difference(one, other);
    expect(after.sha256).toBe(before.sha256);
    expect(after.packagesChanged).toEqual([]);
    expect(difference(one, bookOf([packageOf('a', 1)])).after.sha256).not.toBe(before.sha256);
  });
});
