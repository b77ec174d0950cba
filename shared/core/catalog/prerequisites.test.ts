import { describe, expect, it } from 'vitest';
import { category, detectoid, host, index, neededIds, nothing, scan, update } from '#test/kit/scan.ts';

describe('prerequisites', () => {
  const abc = [detectoid('a'), detectoid('b'), detectoid('c')];

  it('all clauses must hold, and one id of a clause is enough', () => {
    const some = index([update(1, { prerequisites: [['a', 'b'], ['c']] }), ...abc]);
    expect(neededIds(scan(some, host(['b', 'c'])))).toEqual(['u1']);
    expect(scan(some, host(['a', 'b']))).toEqual(nothing);
    expect(scan(some, host())).toEqual(nothing);
  });

  it('that the publication lacks are unknown, unless they are noted as installed', () => {
    const some = index([update(1, { prerequisites: [['x']] }), update(2, { prerequisites: [['x', 'a']] }), ...abc]);
    const about = 'x, which the publication lacks';
    const unknown = { updates: 2, operators: [{ operator: 'IsInstalled', updates: 2, examples: [about] }] };
    expect(scan(some, host(['x']))).toEqual({ ...nothing, unknown });
    expect(neededIds(scan(some, host(['a'])))).toEqual(['u2']);
    expect(neededIds(scan(some, { ...host(), installedUpdates: ['x'] }))).toEqual(['u1', 'u2']);
  });

  it('without a rule that says when they are installed are unknown, unless they are noted as installed', () => {
    const some = index([update(1, { prerequisites: [['x']] }), category('x', { rules: {} })]);
    const operators = [{ operator: 'IsInstalled', updates: 1, examples: ['the update x has no such rule'] }];
    expect(scan(some, host())).toEqual({ ...nothing, unknown: { updates: 1, operators } });
    expect(neededIds(scan(some, { ...host(), installedUpdates: ['x'] }))).toEqual(['u1']);
  });

  it('without a rule do not matter where their own prerequisites do not hold', () => {
    const some = index([
      update(1, { prerequisites: [['x']] }),
      category('x', { rules: {}, prerequisites: [['a']] }),
      ...abc,
    ]);
    expect(scan(some, host())).toEqual(nothing);
    expect(scan(some, host(['a'])).unknown).toMatchObject({ updates: 1 });
  });

  it('a category holds once its rule and its own prerequisites do, through any number of steps', () => {
    const some = index([
      update(1, { prerequisites: [['product']] }),
      category('product', { prerequisites: [['family']] }),
      category('family', { prerequisites: [['amd64']] }),
      detectoid('amd64'),
    ]);
    expect(neededIds(scan(some, host(['amd64'])))).toEqual(['u1']);
    expect(scan(some, host())).toEqual(nothing);
  });

  it('circles end: they hold only when something outside makes them hold', () => {
    const circle = (way: readonly string[]) =>
      index([
        update(1, { prerequisites: [['b']] }),
        category('a', { prerequisites: [['b', ...way]] }),
        category('b', { prerequisites: [['a']] }),
        detectoid('x'),
      ]);
    expect(neededIds(scan(circle([]), host(['x'])))).toEqual([]);
    expect(neededIds(scan(circle(['x']), host(['x'])))).toEqual(['u1']);
  });

  it('a chain of 50,000 categories is no deeper than one', () => {
    const chain = Array.from({ length: 50_000 }, (_, i) =>
      category(`c${i}`, { revisionId: i, prerequisites: i === 0 ? [] : [[`c${i - 1}`]] }),
    );
    expect(neededIds(scan(index([...chain, update(60_000, { prerequisites: [['c49999']] })]), host()))).toEqual([
      'u60000',
    ]);
  });

  it('software holds as a prerequisite where it is installed', () => {
    const some = index([update(1, { prerequisites: [['u2']] }), update(2)]);
    expect(neededIds(scan(some, host()))).toEqual(['u2']);
    expect(neededIds(scan(some, host(['u2'])))).toEqual(['u1']);
  });
});
