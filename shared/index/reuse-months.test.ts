/** What reuse.test.ts shows case by case, over months that are invented with all their oddities. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeSnapshot } from '#shared/contract/catalog-snapshot.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { type Members, packIndex } from '#test/kit/pack-slice.ts';
import { base64, chunks, core, guid, packageXml, update } from '#test/kit/sound-index.ts';
import { IndexExaminer } from './examine-index.ts';
import { readPublication } from './read-index.ts';

type Part = 'c' | 'x' | 'l/en' | 'l/de' | 'l/fr';

/** What the fragments of one update say; another number says something else. */
interface Wording {
  readonly wording: number;
  readonly files: readonly {
    readonly name: string;
    readonly alias: number;
    readonly size: number;
    readonly saysSha256: boolean;
  }[];
  readonly parts: readonly Part[];
  readonly hasTitle: boolean;
}

/** A cabinet of an invented month: its own updates, and what it has of updates of other cabinets. */
interface Shard {
  readonly own: readonly Wording[];
  readonly strays: readonly { readonly place: number; readonly says: Wording }[];
}

/** What package.xml says of one update; it may change while the fragments stay. */
interface Listing {
  readonly kind: 'unit' | 'leaf' | 'category';
  readonly listed: boolean;
  readonly language: 'en' | 'de' | 'fr';
  /** Names of the files that it lists, in its order. */
  readonly files: readonly string[];
  readonly guid: 'own' | 'other';
}

const fileNames = ['a', 'b', 'c', 'd'] as const;
const mostlyFrom = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 10, arbitrary: usual }, { weight: 1, arbitrary: other });
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  mostlyFrom(fc.constant(usual), fc.constantFrom(...others));

const wordings: fc.Arbitrary<Wording> = fc.record({
  wording: fc.integer({ min: 0, max: 3 }),
  files: mostlyFrom(fc.subarray([...fileNames]), fc.shuffledSubarray([...fileNames])).chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.record({
          name: fc.constant(name),
          alias: fc.integer({ min: 0, max: 2 }),
          size: mostly(1, 2),
          saysSha256: fc.boolean(),
        }),
      ),
    ),
  ),
  parts: mostlyFrom(
    fc.constant<Part[]>(['c', 'x', 'l/de', 'l/en']),
    fc.subarray<Part>(['c', 'x', 'l/de', 'l/en', 'l/fr']),
  ),
  hasTitle: mostly(true, false),
});
const shardsOf: fc.Arbitrary<Shard> = fc.record({
  own: fc.array(wordings, { minLength: 1, maxLength: 3 }),
  strays: mostlyFrom(
    fc.constant<Shard['strays']>([]),
    fc.record({ place: fc.nat(3), says: wordings }).map((stray) => [stray]),
  ),
});
const listings: fc.Arbitrary<readonly Listing[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('unit', 'leaf', 'category'),
    listed: mostly(true, false),
    language: mostly('en', 'de', 'fr'),
    files: mostlyFrom(
      fc.constantFrom<string[]>([...fileNames], [...fileNames], []),
      fc.shuffledSubarray<string>([...fileNames]),
    ),
    guid: mostly('own', 'other'),
  }),
  { minLength: 12, maxLength: 12 },
);

const fileXml = ({ name, alias, size, saysSha256 }: Wording['files'][number]): string =>
  `<File Digest="${base64(name)}" DigestAlgorithm="SHA1" FileName="${name}${alias}" Size="${size}">` +
  `${saysSha256 ? `<AdditionalDigest Algorithm="SHA256">${base64(name, 'sha256')}</AdditionalDigest>` : ''}</File>`;
const title = (text: string): string => `<LocalizedProperties><Title>${text}</Title></LocalizedProperties>`;

function fragmentsOf(id: number, { wording, files, parts, hasTitle }: Wording): Members {
  const all: Record<Part, string> = {
    c: core(id),
    x: `<ExtendedProperties MsrcSeverity="${['Low', 'Critical', 'None', 'Important'][wording]}"><InstallationBehavior RebootBehavior="NeverReboots" />${wording > 1 ? `<KBArticleID>${5_000_000 + wording}</KBArticleID>` : ''}<CveID>CVE-${id}-${wording}</CveID></ExtendedProperties><Files>${files.map(fileXml).join('')}</Files>`,
    'l/en': title(hasTitle ? `Title ${wording} (KB${1_000_000 + wording})` : ''),
    'l/de': title(`Titel ${wording} (KB${2_000_000 + wording})`),
    'l/fr': title(`Titre ${wording}`),
  };
  return Object.fromEntries(parts.map((part) => [`${part}/${id}`, all[part]]));
}

function listingOf(id: number, { kind, language, files, guid: whose }: Listing, supersededBy: number): string {
  const actions = { unit: '', leaf: 'DeploymentAction="Bundle"', category: 'DeploymentAction="Evaluate"' };
  const payload = files.map((name) => `<File Id="${base64(name)}" />`).join('');
  const xml = update({
    id,
    attributes: actions[kind],
    inside: `<PayloadFiles>${payload}</PayloadFiles><SupersededBy><Revision Id="${supersededBy}" /></SupersededBy>`,
  }).replace('DefaultLanguage="en"', `DefaultLanguage="${language}"`);
  return whose === 'own' ? xml : xml.replace(guid(id), guid(9999));
}

/** Each cabinet has a hundred RevisionIds. */
interface Month {
  readonly shards: readonly Shard[];
  readonly listings: readonly Listing[];
  /** Whether package.cab comes last. */
  readonly listLast: boolean;
}

const idOf = (place: number, at: number): number => place * 100 + at + 1;

function indexOf({ shards, listings, listLast }: Month, supersededBy: number): Uint8Array {
  const listed = shards.flatMap(({ own }, place) =>
    own.flatMap((_, at) => {
      const listing = listings[place * 3 + at];
      return listing?.listed ? [listingOf(idOf(place, at), listing, supersededBy)] : [];
    }),
  );
  return packIndex(
    {
      packageXml: packageXml(
        listed.join(''),
        `<FileLocation Id="${base64('a')}" Url="http://download.windowsupdate.com/${supersededBy}/a" />`,
      ),
      shards: shards.map(({ own, strays }, place) => ({
        rangeStart: place * 100,
        members: Object.assign(
          { [`e/${place}`]: 'licence' },
          ...strays.map(({ place: other, says }) => fragmentsOf(idOf(other, 0), says)),
          ...own.map((each, at) => fragmentsOf(idOf(place, at), each)),
        ),
      })),
    },
    { compression: 'stored', order: (names) => (listLast ? names.toReversed() : names) },
  );
}

const months = fc.record({
  shards: fc.array(shardsOf, { minLength: 1, maxLength: 4 }),
  listings,
  listLast: fc.boolean(),
});
/** What the next month brings: cabinets in place of others or behind them, and perhaps another list. */
const news = fc.record({
  shards: fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: shardsOf }), {
    maxLength: 4,
  }),
  listings: fc.oneof(fc.constant(undefined), listings),
  listLast: fc.boolean(),
});

const spelling = (catalog: Catalog): string => Buffer.concat([...encodeSnapshot(catalog)]).toString('latin1');

function read(bytes: Uint8Array, earlier?: Catalog): ReturnType<typeof readPublication> {
  const examiner = new IndexExaminer();
  examiner.write(bytes);
  return readPublication(chunks(bytes), { cabs: examiner.end(), ...(earlier === undefined ? {} : { earlier }) });
}

it('reading with the help of an earlier publication says the same as reading all, whatever changed and whatever is odd', async () => {
  let reused = 0;
  await fc.assert(
    fc.asyncProperty(months, news, async (first, next) => {
      const second: Month = {
        shards: first.shards
          .map((shard, place) => next.shards[place] ?? shard)
          .concat(next.shards.slice(first.shards.length).flatMap((shard) => shard ?? [])),
        listings: next.listings ?? first.listings,
        listLast: next.listLast,
      };
      const bytes = indexOf(second, 2);
      const publication = await read(bytes, (await read(indexOf(first, 1))).catalog);
      reused += publication.reusedCabs;
      expect(spelling(publication.catalog)).toBe(spelling((await read(bytes)).catalog));
    }),
    { numRuns: 150 },
  );

  expect(reused).toBeGreaterThan(20);
});
