import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildKey, parseKey, publicPrefixes, type RepositoryKey } from './keys.ts';

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const copyId = fc.string({ unit: fc.constantFrom(...'abcXYZ019-'), minLength: 1, maxLength: 64 });

const anyKey: fc.Arbitrary<RepositoryKey> = fc.oneof(
  fc.constant<RepositoryKey>({ kind: 'index-pointer' }),
  hex(64).map((sha256): RepositoryKey => ({ kind: 'index', sha256 })),
  copyId.map((id): RepositoryKey => ({ kind: 'index-staging', copyId: id })),
  hex(64).map((sha256): RepositoryKey => ({ kind: 'index-refused', sha256 })),
  hex(64).map((indexSha256): RepositoryKey => ({ kind: 'catalog-snapshot', indexSha256 })),
  hex(64).map((sha256): RepositoryKey => ({ kind: 'payload', sha256 })),
  hex(40).map((sha1): RepositoryKey => ({ kind: 'payload-staging', sha1 })),
  fc
    .date({ min: new Date('2000-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })
    .map((date): RepositoryKey => ({ kind: 'audit-anchor', date: date.toISOString().slice(0, 10) })),
  fc.constant<RepositoryKey>({ kind: 'fleet-manifest' }),
  fc.constant<RepositoryKey>({ kind: 'timestamp' }),
  hex(64).map((sha256): RepositoryKey => ({ kind: 'pinned-root', sha256 })),
  fc
    .tuple(
      fc.constantFrom('root', 'snapshot', 'targets', 'rules'),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    )
    .map(([role, version]): RepositoryKey => ({ kind: 'metadata', role, version })),
  fc
    .tuple(fc.constantFrom('rules/book.json', 'rules/groups/a.b_c.json', 'catalog/x.json'), hex(64))
    .map(([path, sha256]): RepositoryKey => ({ kind: 'target', path, sha256 })),
  fc
    .tuple(fc.uuid(), fc.integer({ min: 0, max: 999 }))
    .map(([layout, index]): RepositoryKey => ({ kind: 'fleet-partition', layout, index })),
);

describe('object keys', () => {
  it('are parsed back to what they were built from', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(parseKey(buildKey(key))).toEqual(key);
      }),
    );
  });

  it('only the index, finished payloads and signed files are public', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        const isPublic = publicPrefixes.some((prefix) => buildKey(key).startsWith(prefix));
        expect(isPublic).toBe(
          ['index-pointer', 'index', 'payload', 'metadata', 'timestamp', 'target', 'pinned-root'].includes(key.kind),
        );
      }),
    );
  });

  it.each([
    '',
    'index/',
    'index/../catalog/x',
    'payloads/sha256/ABC',
    'payloads/sha256/',
    '/index/current.json',
    'index/current.json/',
    'fleet/v2/a/01.kbf.gz',
    'fleet/v2/a/1000.kbf.gz',
  ])('%j is not a key of ours', (key) => expect(parseKey(key)).toBeUndefined());

  it('a digest that is not one never becomes part of a key', () => {
    expect(() => buildKey({ kind: 'payload', sha256: '../../secrets' })).toThrow(RangeError);
    expect(() => buildKey({ kind: 'index-staging', copyId: 'a/b' })).toThrow(/copy id "a\/b"/);
    expect(() => buildKey({ kind: 'fleet-partition', layout: '../..', index: 8 })).toThrow(/layout "..\/.."/);
  });
});
