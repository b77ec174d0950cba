import { describe, expect, it } from 'vitest';
import { oldPublications } from './old-publications.ts';

const stored = ['b', 'd', 'a', 'c', 'e'].map((sha256) => ({ sha256, storedAt: sha256.charCodeAt(0) }));
const old = (newest: number, ...inUse: readonly string[]) =>
  oldPublications(stored, { newest, inUse: new Set(inUse) }).map(({ sha256 }) => sha256);

describe('old publications', () => {
  it('are those behind the newest, the oldest first', () => {
    expect(old(3, 'e')).toEqual(['a', 'b']);
    expect(old(5, 'e')).toEqual([]);
    expect(old(9, 'e')).toEqual([]);
  });

  it('are never those in use, however old, and these count among those that stay', () => {
    expect(old(1, 'a')).toEqual(['b', 'c', 'd', 'e']);
    expect(old(3, 'a', 'e')).toEqual(['b', 'c']);
    expect(old(1, 'a', 'b', 'c', 'd', 'e')).toEqual([]);
  });
});
