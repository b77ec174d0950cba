import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Members, packCab, packIndex } from '#test/kit/pack-slice.ts';
import {
  base64,
  chunks,
  core,
  file,
  guid,
  hex,
  highShard,
  lowShard,
  packageXml,
  shards,
  sound,
  update,
} from '#test/kit/sound-index.ts';
import { plainCatalog } from '#test/kit/values.ts';
import { type Publication, readIndex, readPublication } from './read-index.ts';

const read = (bytes: Uint8Array): Promise<Publication> => readPublication(chunks(bytes));

describe('a sound index', () => {
  it('becomes a catalogue in the spellings of the house', async () => {
    const { catalog, layout, members, skipped } = await read(packIndex(sound));
    expect(layout).toBe('wsusscn2');
    expect(catalog.packageId).toBe('e1a000e0-066b-497a-ba62-246d4af43e55');
    expect(catalog.createdAt).toBe('2026-07-14T13:54:06Z');
    expect(catalog.gaps).toEqual([]);
    expect(catalog.updates.get(5)).toMatchObject({ type: 'category', title: 'Windows 12' });
    expect(catalog.updates.get(20)).toEqual({
      updateId: guid(20),
      revision: 100,
      revisionId: 20,
      type: 'software',
      action: 'install',
      isBundle: true,
      isLeaf: false,
      createdAt: '2026-01-02T03:04:05Z',
      prerequisites: [[guid(5)], [guid(5), guid(6)]],
      bundledBy: [],
      supersededBy: [],
      categories: { classification: guid(5), products: [guid(5)], families: [], companies: [] },
      payload: [],
      title: 'Update & more (KB5101650)',
      kbs: ['5101650'],
      severity: 'Critical',
      bulletins: ['MS26-001'],
      cves: ['CVE-2026-1', 'CVE-2026-2'],
    });
    expect(catalog.updates.get(700)).toMatchObject({
      action: 'bundle',
      isLeaf: true,
      bundledBy: [20],
      payload: [hex('a.cab')],
      reboot: 'always',
      kbs: [],
    });
    // No KBArticleID: the number is taken from the title.
    expect(catalog.updates.get(800)).toMatchObject({ kbs: ['4999999'], supersededBy: [20] });
    expect(catalog.updates.get(800)).not.toHaveProperty('severity');
    expect([...catalog.files.values()]).toEqual([
      {
        sha1: hex('a.cab'),
        sha256: hex('a.cab', 'sha256'),
        name: 'a.cab',
        size: 12_293_231_150,
        url: 'http://download.windowsupdate.com/c/a.cab',
      },
    ]);
    expect(skipped).toEqual([
      { name: 'e/', members: 1 },
      { name: 'files/', members: 1 },
    ]);
    expect(members).toBe(4 + 1 + Object.keys(lowShard).length + Object.keys(highShard).length);
  });

  it('reads the same whatever the order of its members, its separators, its compression and its chunks', async () => {
    const expected = plainCatalog(await readIndex(chunks(packIndex(sound))));
    const reversed = Object.fromEntries(Object.entries(lowShard).toReversed());
    const variants = fc.record({
      order: fc.shuffledSubarray(['index.xml', 'package.cab', 'package2.cab', 'package3.cab'], { minLength: 4 }),
      separator: fc.constantFrom('/' as const, '\\' as const),
      compression: fc.constantFrom('stored' as const, 'mszip' as const, { lzx: 15 } as const),
      low: fc.constantFrom(lowShard, reversed),
      chunk: fc.integer({ min: 1, max: 5000 }),
    });
    await fc.assert(
      fc.asyncProperty(variants, async ({ order, separator, compression, low, chunk }) => {
        const parts = { ...sound, shards: [{ rangeStart: 0, members: low }, ...shards.slice(1)] };
        const bytes = packIndex(parts, { order: () => order, separator, compression });
        expect(plainCatalog(await readIndex(chunks(bytes, chunk)))).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('may have a signature after its end, and reports how far it is', async () => {
    const bytes = Buffer.concat([packIndex(sound), Buffer.alloc(15_688, 0x30)]);
    const seen: number[] = [];
    await readIndex(chunks(bytes, 1000), { onProgress: (progress) => seen.push(progress.bytes) });
    expect(seen.at(-1)).toBe(bytes.length);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it('may be the single-cabinet layout of an .msu', async () => {
    const long: Members = Object.fromEntries(
      Object.entries({ ...lowShard, ...highShard }).map(([name, data]) => [
        name
          .replace(/^c\//, 'core\\')
          .replace(/^x\//, 'extended\\')
          .replace(/^l\/(\w+)\//, 'localized\\$1\\'),
        data,
      ]),
    );
    const bytes = packCab({ 'package.cab': packCab({ ...long, 'package.xml': sound.packageXml }) });
    const { catalog, layout } = await read(bytes);
    expect(layout).toBe('wsusscan');
    expect(plainCatalog(catalog)).toEqual(plainCatalog(await readIndex(chunks(packIndex(sound)))));
  });

  it('takes the title of the default language when there is no English one, in whatever order it comes', async () => {
    const listed = packageXml(update({ id: 20 }).replace('"en"', '"DE"'));
    const german = '<LocalizedProperties><Title>Titel</Title></LocalizedProperties>';
    const french = '<LocalizedProperties><Title>Titre</Title></LocalizedProperties>';
    for (const names of [
      ['index.xml', 'package.cab', 'package2.cab'],
      ['package2.cab', 'package.cab', 'index.xml'],
    ]) {
      const members = { 'c/20': core(20), 'l/de/20': german, 'l/fr/20': french };
      const bytes = packIndex({ packageXml: listed, shards: [{ rangeStart: 0, members }] }, { order: () => names });
      expect((await readIndex(chunks(bytes))).updates.get(20)?.title).toBe('Titel');
    }
  });

  it('believes the cabinet that index.xml names when two hold the same fragment', async () => {
    const stray = {
      ...highShard,
      'x/20': '<ExtendedProperties><KBArticleID>5000001</KBArticleID></ExtendedProperties>',
    };
    for (const reverse of [false, true]) {
      const bytes = packIndex(
        {
          ...sound,
          shards: [
            { rangeStart: 0, members: lowShard },
            { rangeStart: 627, members: stray },
          ],
        },
        { order: (names) => (reverse ? names.toReversed() : names) },
      );
      expect((await readIndex(chunks(bytes))).updates.get(20)?.kbs).toEqual(['5101650']);
    }
  });

  it('may have one UpdateId in several revisions', async () => {
    const twice = update({ id: 20 }) + update({ id: 20 }).replace('RevisionId="20"', 'RevisionId="21"');
    const { catalog } = await read(packIndex({ ...sound, packageXml: packageXml(twice) }));
    expect([...catalog.updates.keys()]).toEqual([20, 21]);
  });
});

describe('gaps are counted, not refused', () => {
  it('names what is missing or does not fit', async () => {
    const { catalog } = await read(
      packIndex({
        packageXml: packageXml(
          update({ id: 30, inside: '<SupersededBy><Revision Id="31" /><Revision Id="999" /></SupersededBy>' }) +
            update({ id: 31 }) +
            update({
              id: 32,
              attributes: 'DeploymentAction="Bundle"',
              inside: `<PayloadFiles><File Id="${base64('b')}" /><File Id="${base64('c')}" /></PayloadFiles><BundledBy><Revision Id="998" /><Revision Id="31" /></BundledBy>`,
            }) +
            update({
              id: 33,
              attributes: 'DeploymentAction="Bundle"',
              inside: `<PayloadFiles><File Id="${base64('b')}" /></PayloadFiles>`,
            }),
        ),
        shards: [
          {
            rangeStart: 0,
            members: {
              'c/30': core(77),
              'x/30': '<ExtendedProperties><KBArticleID>KB12345</KBArticleID></ExtendedProperties>',
              'l/en/30': '<LocalizedProperties><Title>a</Title></LocalizedProperties>',
              'c/32': core(32),
              'x/32': `<Files>${file('b', 5)}</Files>`,
              'c/33': core(33),
              'x/33': `<Files>${file('b', 6)}${file('unlisted', 7)}</Files>`,
            },
          },
        ],
      }),
    );
    expect(Object.fromEntries(catalog.gaps.map(({ code, count, examples }) => [code, [count, ...examples]]))).toEqual({
      'identity-mismatch': [1, '30'],
      'dangling-superseder': [1, '30'],
      'fragment-missing': [1, 'c/31', 'x/31', 'l/en/31'],
      'no-kb': [1, '31'],
      'dangling-bundle': [1, '32'],
      'file-facts-conflict': [1, hex('b')],
      'location-missing': [2, hex('b'), hex('c')],
      'file-facts-missing': [1, hex('c')],
      'no-file-locations': [1],
    });
    expect(catalog.updates.get(30)).toMatchObject({ updateId: guid(30), kbs: ['12345'], supersededBy: [31] });
    expect(catalog.updates.get(31)).toMatchObject({ type: 'unknown', kbs: [] });
    expect(catalog.updates.get(32)?.bundledBy).toEqual([31]);
    // A file that no listed update has is not part of the publication.
    expect([...catalog.files.keys()]).toEqual([hex('b'), hex('c')].sort());
  });
});
