import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostStateOf, type UpdateState, updateStates } from './states.ts';

describe('hostStateOf', () => {
  const cases: readonly [readonly UpdateState[], string][] = [
    [[], 'OK'],
    [['OK', 'SUPERSEDED', 'DISCARDED'], 'OK'],
    [['OK', 'PENDING'], 'PENDING_UPDATES'],
    [['MISSING'], 'PENDING_UPDATES'],
    [['PENDING', 'ERROR', 'OK'], 'ERROR'],
    [['ERROR', 'MISSING'], 'ERROR'],
  ];
  it.each(cases)('%j gives %s', (states, host) => {
    expect(hostStateOf(states)).toBe(host);
  });

  it('does not depend on the order, and more updates never make a host look better', () => {
    const rank = { OK: 0, PENDING_UPDATES: 1, ERROR: 2 };
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...updateStates)), fc.constantFrom(...updateStates), (states, one) => {
        expect(hostStateOf(states.toReversed())).toBe(hostStateOf(states));
        expect(rank[hostStateOf([...states, one])]).toBeGreaterThanOrEqual(rank[hostStateOf(states)]);
      }),
    );
  });
});
