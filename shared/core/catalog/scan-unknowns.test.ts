import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  always,
  bundle,
  category,
  described,
  detectoid,
  flag,
  host,
  index,
  installedIds,
  leaf,
  neededIds,
  nothing,
  scan,
  update,
} from '#test/kit/scan.ts';
import type { Rule } from './applicability/model.ts';

describe('what is not known', () => {
  const wmi: Rule = { op: 'b.WmiQuery', namespace: 'root\\cimv2', query: 'SELECT * FROM Win32_Battery' };
  const about = { operator: 'b.WmiQuery', updates: 1, examples: ['SELECT * FROM Win32_Battery'] };

  it('keeps an update out of both lists, and the operators are named with the number of updates', () => {
    const some = index([
      update(1, { rules: { isInstalled: flag('u1'), isInstallable: wmi } }),
      update(2),
      update(3, { rules: { isInstalled: { op: 'unsupported', name: 'b.Memory', reason: 'r' }, isInstallable: wmi } }),
    ]);
    expect(scan(some, host())).toMatchObject({
      needed: [{ updateId: 'u2' }],
      installed: [],
      unknown: {
        updates: 2,
        operators: [
          { ...about, updates: 2 },
          { operator: 'b.Memory', updates: 1, examples: ['r'] },
        ],
      },
    });
  });

  it('does not matter where something else decides', () => {
    const some = index([
      update(1, { rules: { isInstalled: always, isInstallable: wmi } }),
      update(2, { rules: { isInstalled: wmi, isInstallable: { op: 'False' } } }),
      update(3, { prerequisites: [['no']], rules: { isInstalled: wmi, isInstallable: wmi } }),
      update(4, { prerequisites: [['maybe', 'yes']] }),
      update(5, { prerequisites: [['maybe'], ['no']] }),
      detectoid('no'),
      detectoid('yes'),
      detectoid('maybe', { rules: { isInstalled: wmi } }),
    ]);
    expect(scan(some, host(['yes']))).toMatchObject({
      needed: [{ updateId: 'u4' }],
      installed: [{ updateId: 'u1' }],
      unknown: { updates: 0, operators: [] },
    });
  });

  it('of a prerequisite is passed on to all that wait for it', () => {
    const some = index([
      update(1, { prerequisites: [['product']] }),
      category('product', { prerequisites: [['maybe']] }),
      detectoid('maybe', { rules: { isInstalled: wmi } }),
    ]);
    expect(scan(some, host())).toEqual({ ...nothing, unknown: { updates: 1, operators: [about] } });
    expect(scan(some, { ...host(), installedUpdates: ['maybe'] }).needed).toHaveLength(1);
  });

  it('of one part does not hide what another part needs', () => {
    const some = index([
      bundle(1),
      leaf(2, [1], { rules: { isInstalled: flag('u2'), isInstallable: wmi } }),
      leaf(3, [1]),
    ]);
    expect(scan(some, host()).needed).toMatchObject([{ updateId: 'u1', leaves: [{ updateId: 'u3' }] }]);
    expect(scan(some, host(['u3']))).toEqual({ ...nothing, unknown: { updates: 1, operators: [about] } });
  });

  it('an update without rules is unknown', () => {
    const some = index([update(1, { rules: {} })]);
    expect(scan(some, host()).unknown).toMatchObject({
      updates: 1,
      operators: [{ operator: 'IsInstalled' }, { operator: 'IsInstallable' }],
    });
  });

  it('is decided, and never otherwise than before, when more gets known', () => {
    const ids = ['a', 'b', 'c', 'u1', 'u2', 'u3'];
    const some = index([
      detectoid('a'),
      detectoid('b', { prerequisites: [['a']] }),
      detectoid('c', { prerequisites: [['b'], ['a', 'c']] }),
      update(1, { prerequisites: [['b', 'c']] }),
      bundle(10, { prerequisites: [['a']] }),
      leaf(2, [10], { prerequisites: [['c']] }),
      leaf(3, [10]),
    ]);
    const anything = fc.constantFrom('yes', 'no', 'later yes', 'later no');
    fc.assert(
      fc.property(fc.tuple(...ids.map(() => anything)), (truths) => {
        const known = ids.map((id, at) => [id, truths[at] ?? 'no'] as const);
        const before = scan(some, described(known.filter(([, truth]) => !truth.startsWith('later'))));
        const after = scan(some, described(known));
        expect(after.unknown?.updates).toBe(0);
        for (const id of neededIds(before)) expect(neededIds(after)).toContain(id);
        for (const id of installedIds(before)) expect(installedIds(after)).toContain(id);
        const open = 3 - before.needed.length - before.installed.length;
        expect(before.unknown?.updates ?? 0).toBeLessThanOrEqual(open);
      }),
    );
  });
});
