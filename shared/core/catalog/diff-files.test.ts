import { expect, it } from 'vitest';
import { changedFiles } from './diff-files.ts';
import type { PayloadFile } from './model.ts';

const byDigest = (...files: PayloadFile[]): ReadonlyMap<string, PayloadFile> => new Map(files.map((f) => [f.sha1, f]));
const known: PayloadFile = { sha1: 'a', sha256: 's', name: 'a.cab', size: 1, url: 'http://one/' };

it('finds nothing when nothing changed, and nothing in what has left the publication', () => {
  expect(changedFiles(byDigest(known, { sha1: 'gone' }), byDigest({ ...known }))).toEqual([]);
});

it('finds new files', () => {
  expect(changedFiles(byDigest(), byDigest(known, { sha1: 'b' }))).toEqual([known, { sha1: 'b' }]);
});

it.each<Partial<PayloadFile>>([{ sha256: 't' }, { name: 'b.cab' }, { size: 2 }, { url: 'http://two/' }])(
  'finds a changed fact: %o',
  (change) => {
    expect(changedFiles(byDigest(known), byDigest({ ...known, ...change }))).toEqual([{ ...known, ...change }]);
  },
);

it('keeps a fact that the later publication leaves out', () => {
  expect(changedFiles(byDigest(known), byDigest({ sha1: 'a' }))).toEqual([]);
  expect(changedFiles(byDigest(known), byDigest({ sha1: 'a', url: 'http://two/' }))).toEqual([
    { ...known, url: 'http://two/' },
  ]);
});

it('adds a fact that was not known', () => {
  expect(changedFiles(byDigest({ sha1: 'a', size: 1 }), byDigest(known))).toEqual([known]);
});
