/** Reading a publication with the help of the one before must say just what reading all of it says. */
import { describe, expect, it } from 'vitest';
import { decodeSnapshot, encodeSnapshot } from '#shared/contract/catalog-snapshot.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { type IndexParts, type Members, packIndex } from '#test/kit/pack-slice.ts';
import { base64, chunks, core, file, packageXml, sound, update } from '#test/kit/sound-index.ts';
import { IndexExaminer } from './examine-index.ts';
import { type Publication, readIndex, readPublication } from './read-index.ts';

const spelling = (catalog: Catalog): string => Buffer.concat([...encodeSnapshot(catalog)]).toString('latin1');

function examine(bytes: Uint8Array): ReturnType<IndexExaminer['end']> {
  const examiner = new IndexExaminer();
  examiner.write(bytes);
  return examiner.end();
}

const readAll = (bytes: Uint8Array): Promise<Catalog> => readIndex(chunks(bytes), { cabs: examine(bytes) });

const readAfter = async (before: Uint8Array, bytes: Uint8Array): Promise<Publication> =>
  readPublication(chunks(bytes), { cabs: examine(bytes), earlier: await readAll(before) });

const title = (text: string): string => `<LocalizedProperties><Title>${text}</Title></LocalizedProperties>`;
const inLanguage = (language: string): string =>
  update({ id: 20 }).replace('DefaultLanguage="en"', `DefaultLanguage="${language}"`);
const listingFiles = (...names: string[]): string =>
  update({
    id: 20,
    inside: `<PayloadFiles>${names.map((name) => `<File Id="${base64(name)}" />`).join('')}</PayloadFiles>`,
  });
const one = (listed: string, ...cabs: Members[]): IndexParts => ({
  packageXml: packageXml(listed),
  shards: cabs.map((members, place) => ({ rangeStart: place * 10, members })),
});
const foreign: Members = { 'c/20': core(20), 'x/20': '', 'l/de/20': title('Titel'), 'l/fr/20': title('Titre') };
const untold: Members = { 'c/20': core(20), 'x/20': '', 'l/en/20': title('Old (KB1111111)') };
const two: Members = { 'c/20': core(20), 'x/20': `<Files>${file('a', 1)}${file('b', 2)}</Files>` };
const quarrel: Members = { ...two, 'c/21': core(21), 'x/21': `<Files>${file('a', 3)}</Files>` };
const other = { 'e/1': 'licence' };
const thirty = update({ id: 30 });

/** What once made a reused cabinet say something else than the same cabinet read again. */
const surprises: readonly { readonly what: string; readonly first: IndexParts; readonly second: IndexParts }[] = [
  {
    what: 'the default language changes',
    first: one(inLanguage('de'), foreign),
    second: one(inLanguage('fr'), foreign),
  },
  { what: 'it becomes English', first: one(inLanguage('de'), foreign), second: one(inLanguage('en'), foreign) },
  { what: 'it was English', first: one(inLanguage('en'), foreign), second: one(inLanguage('fr'), foreign) },
  {
    what: 'another cabinet brings the English title',
    first: one(inLanguage('de'), other, foreign),
    second: one(inLanguage('de'), { 'l/en/20': title('English') }, foreign),
  },
  {
    what: 'another cabinet brings another title, and with it another KB number',
    first: one(update({ id: 20 }), untold, other),
    second: one(update({ id: 20 }), untold, other, { 'l/en/20': title('New (KB2222222)') }),
  },
  {
    what: 'package.xml lists files in another order than the fragment, and then none',
    first: one(listingFiles('b', 'a'), two),
    second: one(listingFiles(), two),
  },
  {
    what: 'fragments contradict each other',
    first: one(listingFiles('a', 'b') + update({ id: 21 }), quarrel),
    second: one(listingFiles('a', 'b') + update({ id: 21 }), quarrel),
  },
  {
    what: 'a later cabinet contradicts an unchanged one',
    first: one(listingFiles('a', 'b') + update({ id: 21 }), two, other),
    second: one(listingFiles('a', 'b') + update({ id: 21 }), two, { 'x/21': `<Files>${file('a', 3)}</Files>` }),
  },
  {
    what: 'two cabinets hold parts of one update',
    first: one(update({ id: 5 }), { 'c/5': core(5) }, { 'x/5': '<ExtendedProperties MsrcSeverity="Low" />' }),
    second: one(update({ id: 5 }), { 'c/5': core(5) }, { 'x/5': '<ExtendedProperties MsrcSeverity="Low" />' }),
  },
  {
    what: 'two cabinets have the same fragment, and the first is believed',
    first: one(update({ id: 5 }), { 'c/5': core(5) }, { 'c/5': core(6) }),
    second: one(update({ id: 5 }), { 'c/5': core(5) }, { 'c/5': core(6) }),
  },
  {
    what: 'two cabinets have the same fragment, and the second is believed',
    first: one(update({ id: 15 }), { 'c/15': core(6) }, { 'c/15': core(15) }),
    second: one(update({ id: 15 }), { 'c/15': core(6) }, other),
  },
  {
    what: 'a title was passed over whose update is not listed any more',
    first: one(update({ id: 20 }) + thirty, { ...untold, 'l/de/30': title('dreissig') }),
    second: one(update({ id: 20 }), { ...untold, 'l/de/30': title('dreissig') }),
  },
];

describe('reading with the help of an earlier publication', () => {
  it.each(surprises)('says the same as reading all when $what', async ({ first, second }) => {
    const publication = await readAfter(packIndex(first), packIndex(second));
    expect(spelling(publication.catalog)).toBe(spelling(await readAll(packIndex(second))));
  });

  it('does not unpack what is the same, also under another name, and always reads package.xml', async () => {
    const bytes = packIndex(sound);
    const all = await readPublication(chunks(bytes));
    const again = await readAfter(bytes, bytes);
    expect([all.reusedCabs, again.reusedCabs]).toEqual([0, 2]);
    // index.xml, the three cabinets and package.xml.
    expect(again.members).toBe(5);
    const moved = packIndex({
      ...sound,
      shards: [
        { rangeStart: 0, members: { 'e/1': 'licence' } },
        ...sound.shards.map((shard) => ({ ...shard, rangeStart: shard.rangeStart + 1 })),
      ],
    });
    const after = await readAfter(bytes, moved);
    expect(after.reusedCabs).toBe(2);
    expect(spelling(after.catalog)).toBe(spelling(await readAll(moved)));
  });

  it.each<[string, Members]>([
    ['of an update that is not listed', { 'c/900': core(900) }],
    ['that another cabinet has too', { 'c/20': core(20) }],
    ['that names another identity', { 'c/800': core(7) }],
    ['that describes a file of another update', { 'x/700': `<Files>${file('z', 1)}</Files>` }],
  ])('takes nothing from a cabinet with a fragment %s', async (_what, extra) => {
    const [low, high] = sound.shards;
    const odd = {
      ...sound,
      shards: [
        { ...low, members: low?.members ?? {}, rangeStart: 0 },
        { rangeStart: 627, members: { ...high?.members, ...extra } },
      ],
    };
    const catalog = await readAll(packIndex(odd));
    expect(catalog.cabs?.find(({ name }) => name === 'package3.cab')?.reusable).toBe(false);
  });

  it('lists the cabinets with their digests, as an examination does', async () => {
    const bytes = packIndex(sound);
    const { cabs } = await readAll(bytes);
    expect(cabs?.map(({ reusable: _, ...cab }) => cab)).toEqual(examine(bytes));
    expect(cabs?.map(({ name, reusable }) => [name, reusable])).toEqual([
      ['package.cab', false],
      ['package2.cab', true],
      ['package3.cab', true],
    ]);
  });

  it('takes nothing from a catalogue that was put together from plain values', async () => {
    const bytes = packIndex(sound);
    const all = await readAll(bytes);
    const plain = { updates: new Map(all.updates), files: new Map(all.files), gaps: [], cabs: all.cabs ?? [] };
    const earlier = decodeSnapshot(Buffer.concat([...encodeSnapshot(plain)]));
    const publication = await readPublication(chunks(bytes), { cabs: examine(bytes), earlier });
    expect(publication.reusedCabs).toBe(0);
  });

  it('keeps no cabinets of an index of which not all were examined', async () => {
    const bytes = packIndex(sound);
    expect((await readIndex(chunks(bytes), { cabs: examine(bytes).slice(1) })).cabs).toEqual([]);
  });

  it('keeps no cabinets of an index that was not examined', async () => {
    const catalog = await readIndex(chunks(packIndex(sound)));
    expect(catalog.cabs).toEqual([]);
    expect(spelling(catalog)).not.toBe('');
  });

  it('says what is no cabinet', () => {
    expect(() => examine(Buffer.from('<html>'.repeat(20)))).toThrow('not an index');
    expect(() => examine(packIndex(sound).subarray(0, 500))).toThrow();
  });
});
