import { describe, expect, it } from 'vitest';
import { assertAgree } from './counts.ts';

const counts = { members: 5, updates: 3, locations: 2 };

describe('counts of a mode', () => {
  it('are equal on both sides, and those that the generator knows', () => {
    expect(() => assertAgree('package', counts, { ...counts, bytes: 9 }, { updates: 3 })).not.toThrow();
    expect(() => assertAgree('package', counts, { ...counts, updates: 4 })).toThrow(
      'package: we counted 3 updates, the peer 4',
    );
    expect(() => assertAgree('package', counts, counts, { locations: 1 })).toThrow('2 locations, the generator 1');
  });

  it('are there on both sides', () => {
    const { locations: _, ...fewer } = counts;
    expect(() => assertAgree('package', fewer, counts)).toThrow('package: we counted no locations');
    expect(() => assertAgree('package', counts, fewer)).toThrow('package: we counted 2 locations, the peer none');
    expect(() => assertAgree('selective', counts, counts)).toThrow('selective: we counted no payloadFiles');
    expect(() => assertAgree('all', counts, counts)).toThrow('all is no mode; there are: package, decode');
  });
});
