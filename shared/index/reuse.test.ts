/** Reading a publication with the help of the one before must say just what reading all of it says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeSnapshot } from '#shared/contract/catalog-snapshot.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { type Members, packIndex } from '#test/kit/pack-slice.ts';
import { base64, chunks, core, packageXml, sound, update } from '#test/kit/sound-index.ts';
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

/** One update of an invented month. */
interface Invented {
  readonly kind: 'unit' | 'leaf' | 'category';
  /** What its fragments say; another number says something else. */
  readonly wording: number;
  readonly files: readonly { readonly name: string; readonly alias: number; readonly saysSha256: boolean }[];
  readonly parts: readonly ('c' | 'x' | 'l/en' | 'l/de')[];
  /** package.xml lists it, and lists its files. */
  readonly listed: boolean;
  readonly listsFiles: boolean;
}

const invented: fc.Arbitrary<Invented> = fc.record({
  kind: fc.constantFrom('unit', 'leaf', 'category'),
  wording: fc.integer({ min: 0, max: 3 }),
  files: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      alias: fc.integer({ min: 0, max: 2 }),
      saysSha256: fc.boolean(),
    }),
    { maxLength: 3, selector: ({ name }) => name },
  ),
  parts: fc.subarray(['c', 'x', 'l/en', 'l/de'] as const),
  listed: fc.boolean(),
  listsFiles: fc.boolean(),
});

const fileXml = ({ name, alias, saysSha256 }: Invented['files'][number]): string =>
  `<File Digest="${base64(name)}" DigestAlgorithm="SHA1" FileName="${name}${alias}" Size="${name.charCodeAt(0)}">` +
  `${saysSha256 ? `<AdditionalDigest Algorithm="SHA256">${base64(name, 'sha256')}</AdditionalDigest>` : ''}</File>`;

function fragmentsOf(id: number, { wording, files, parts }: Invented): Members {
  const all: Record<(typeof parts)[number], string> = {
    c: core(id),
    x: `<ExtendedProperties MsrcSeverity="${['Low', 'Critical', 'None', 'Important'][wording]}"><InstallationBehavior RebootBehavior="NeverReboots" />${wording > 1 ? `<KBArticleID>${wording}</KBArticleID>` : ''}<CveID>CVE-${id}-${wording}</CveID></ExtendedProperties><Files>${files.map(fileXml).join('')}</Files>`,
    'l/en': `<LocalizedProperties><Title>Title ${wording} (KB${1000 + wording})</Title></LocalizedProperties>`,
    'l/de': `<LocalizedProperties><Title>Titel ${wording}</Title></LocalizedProperties>`,
  };
  return Object.fromEntries(parts.map((part) => [`${part}/${id}`, all[part]]));
}

function listingOf(id: number, { kind, files, listsFiles }: Invented, supersededBy: number): string {
  const actions = { unit: '', leaf: 'DeploymentAction="Bundle"', category: 'DeploymentAction="Evaluate"' };
  const payload = listsFiles ? files.map(({ name }) => `<File Id="${base64(name)}" />`).join('') : '';
  return update({
    id,
    attributes: actions[kind],
    inside: `<PayloadFiles>${payload}</PayloadFiles><SupersededBy><Revision Id="${supersededBy}" /></SupersededBy>`,
  });
}

/** Shards of a hundred RevisionIds each. */
type Month = readonly (readonly Invented[])[];

const month: fc.Arbitrary<Month> = fc.array(fc.array(invented, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 4,
});

function indexOf(shards: Month, supersededBy: number): Uint8Array {
  const updates = shards.flatMap((shard, place) => shard.map((each, at) => ({ id: place * 100 + at + 1, each })));
  return packIndex({
    packageXml: packageXml(
      updates
        .filter(({ each }) => each.listed)
        .map(({ id, each }) => listingOf(id, each, supersededBy))
        .join(''),
      `<FileLocation Id="${base64('a')}" Url="http://download.windowsupdate.com/${supersededBy}/a" />`,
    ),
    shards: shards.map((shard, place) => ({
      rangeStart: place * 100,
      members: Object.assign({}, ...shard.map((each, at) => fragmentsOf(place * 100 + at + 1, each)), {
        [`e/${place}`]: 'licence',
      }),
    })),
  });
}

describe('reading with the help of an earlier publication', () => {
  it('says the same as reading all, whatever changed and whatever is odd', async () => {
    const change = fc.array(fc.option(fc.array(invented, { minLength: 1, maxLength: 4 })), { maxLength: 5 });
    let reused = 0;
    await fc.assert(
      fc.asyncProperty(month, change, async (first, changes) => {
        const second = [
          ...first,
          ...changes.slice(first.length).flatMap((shard) => (shard === null ? [] : [shard])),
        ].map((shard, place) => changes[place] ?? shard);
        const bytes = indexOf(second, 2);
        const publication = await readAfter(indexOf(first, 1), bytes);
        reused += publication.reusedCabs;
        expect(spelling(publication.catalog)).toBe(spelling(await readAll(bytes)));
      }),
      { numRuns: 150 },
    );
    // Some fifty, by chance.
    expect(reused).toBeGreaterThan(10);
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
    [
      'that describes a file of another update',
      { 'x/700': `<Files>${fileXml({ name: 'z', alias: 0, saysSha256: true })}</Files>` },
    ],
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
