import { describe, expect, it } from 'vitest';
import { plainCatalog } from '#test/kit/values.ts';
import { ColumnarCatalog } from '../core/catalog/columns/columnar-catalog.ts';
import type { CatalogColumns } from '../core/catalog/columns/columns.ts';
import { packCatalog } from '../core/catalog/columns/pack.ts';
import type { Catalog, CatalogUpdate } from '../core/catalog/model.ts';
import { decodeSnapshot, encodeSnapshot } from './catalog-snapshot.ts';
import { SnapshotError } from './catalog-snapshot-check.ts';

const guid = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

const leaf: CatalogUpdate = {
  updateId: guid(2),
  revision: 200,
  revisionId: 20,
  type: 'software',
  action: 'bundle',
  isBundle: false,
  isLeaf: true,
  createdAt: '2026-07-14T17:00:00Z',
  prerequisites: [[guid(7), guid(8)], [guid(9)]],
  bundledBy: [10],
  supersededBy: [],
  categories: { products: [], families: [], companies: [] },
  payload: ['a'.repeat(40)],
  kbs: [],
  bulletins: [],
  cves: [],
};
const bundle: CatalogUpdate = {
  ...leaf,
  updateId: guid(1),
  revisionId: 10,
  action: 'install',
  isBundle: true,
  isLeaf: false,
  bundledBy: [],
  payload: [],
  categories: { classification: guid(3), products: [guid(4)], families: [], companies: [] },
  title: 'Update "one" (KB5000001)',
  kbs: ['5000001'],
  severity: 'Critical',
  reboot: 'can',
};
const catalog: Catalog = {
  packageId: guid(99),
  createdAt: '2026-07-14T13:54:06Z',
  updates: new Map([
    [20, leaf],
    [10, bundle],
  ]),
  files: new Map([
    ['b'.repeat(40), { sha1: 'b'.repeat(40) }],
    ['a'.repeat(40), { sha1: 'a'.repeat(40), sha256: 'c'.repeat(64), name: 'a.cab', size: 0, url: 'http://x/a.cab' }],
  ]),
  gaps: [{ code: 'no-kb', count: 1, examples: ['10'] }],
};

const bytes = (value: Catalog): Buffer => Buffer.concat([...encodeSnapshot(value)]);
const decoded = (value: Uint8Array): Catalog | undefined => plainCatalog(decodeSnapshot(value));
/** A snapshot in which the columns were changed. */
const damaged = (change: (columns: CatalogColumns) => CatalogColumns): Buffer =>
  bytes(new ColumnarCatalog(change(packCatalog(catalog))));

const withUpdates = (columns: CatalogColumns, change: Partial<CatalogColumns['updates']>): CatalogColumns => ({
  ...columns,
  updates: { ...columns.updates, ...change },
});
const withFiles = (columns: CatalogColumns, change: Partial<CatalogColumns['files']>): CatalogColumns => ({
  ...columns,
  files: { ...columns.files, ...change },
});
/** Lists of which the first holds one value, and the second none. */
const onlyFirst = (value: number) => ({ ends: Uint32Array.of(1, 1), values: Uint32Array.of(value) });
/** Texts in which a character of two bytes lies where the first one ends: all of them together are UTF-8. */
function withCharacterAcross({ ends, bytes: all }: CatalogColumns['texts']): Uint8Array {
  const end = ends[0] as number;
  return all.map((byte, at) => (at === end - 1 ? 0xc3 : at === end ? 0xa9 : byte));
}

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('the snapshot of a catalogue', () => {
  it('comes back as it was, wherever its bytes lie', () => {
    expect(decoded(bytes(catalog))).toEqual(catalog);
    const shifted = Buffer.concat([Buffer.alloc(3), bytes(catalog)]).subarray(3);
    expect(decoded(shifted)).toEqual(catalog);
    expect(bytes(decodeSnapshot(bytes(catalog)))).toEqual(bytes(catalog));
  });

  it('of nothing is valid', () => {
    const empty: Catalog = { updates: new Map(), files: new Map(), gaps: [] };
    expect(decoded(bytes(empty))).toEqual(empty);
  });

  it('has one spelling, whatever the order in memory', () => {
    const other: Catalog = {
      gaps: catalog.gaps,
      files: new Map([...catalog.files].reverse()),
      updates: new Map([...catalog.updates].reverse()),
      createdAt: '2026-07-14T13:54:06Z',
      packageId: guid(99),
    };
    expect(bytes(other)).toEqual(bytes(catalog));
  });

  it('finds what it has and nothing else', () => {
    const { updates, files } = decodeSnapshot(bytes(catalog));
    expect([updates.has(10), updates.get(11), updates.size, [...updates.keys()]]).toEqual([
      true,
      undefined,
      2,
      [10, 20],
    ]);
    expect([files.has('b'.repeat(40)), files.get('c'.repeat(40)), files.get('B'.repeat(40)), files.get('')]).toEqual([
      true,
      undefined,
      undefined,
      undefined,
    ]);
    expect(files.get('a'.repeat(40))).toEqual(catalog.files.get('a'.repeat(40)));
  });

  it('keeps a byte order mark, which tells two texts apart', () => {
    const title = '\ufeffUpdate';
    const marked: Catalog = { ...catalog, updates: new Map([[10, { ...bundle, title }]]) };
    expect(decodeSnapshot(bytes(marked)).updates.get(10)?.title).toBe(title);
  });

  it('of plain values does not say that a later publication may take a cabinet from it', () => {
    const cab = { name: 'package2.cab', sha256: 'c'.repeat(64), bytes: 1, reusable: true };
    expect(decodeSnapshot(bytes({ ...catalog, cabs: [cab] })).cabs).toEqual([{ ...cab, reusable: false }]);
  });

  it('has no file under a digest with a hyphen in it', () => {
    const { files } = decodeSnapshot(bytes(catalog));
    expect(files.has(`aa-${'a'.repeat(38)}`)).toBe(false);
    expect(() =>
      bytes({ ...catalog, updates: new Map([[20, { ...leaf, updateId: guid(2).replaceAll('-', '') }]]) }),
    ).toThrow('is not a GUID');
  });

  it('keeps sizes beyond 2^32 and texts of any script', () => {
    const file = { sha1: 'd'.repeat(40), name: '更新.cab', size: 12_293_231_150 };
    const large: Catalog = { ...catalog, files: new Map([...catalog.files, [file.sha1, file]]) };
    expect(decodeSnapshot(bytes(large)).files.get(file.sha1)).toEqual(file);
  });

  it('refuses another version, other bytes, and a snapshot that is cut off anywhere', () => {
    const whole = bytes(catalog);
    expect(() => decodeSnapshot(Buffer.from('{}'))).toThrow('does not begin');
    const later = Buffer.from(whole);
    later.writeUInt32LE(3, 8);
    expect(() => decodeSnapshot(later)).toThrow('it has version 3, only 2 is read');
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => decodeSnapshot(whole.subarray(0, length))).toThrow(SnapshotError);
    }
    expect(() => decodeSnapshot(Buffer.concat([whole, Buffer.alloc(8)]))).toThrow('goes on for 8 bytes');
  });

  it('refuses a head that is damaged, and one that lists a section twice', () => {
    const whole = bytes(catalog);
    const end = 16 + whole.readUInt32LE(12);
    /** A snapshot with another head, as long as the one before. */
    const withHead = (change: (head: string) => string): Buffer => {
      const head = change(whole.toString('latin1', 16, end));
      expect(head).toHaveLength(end - 16);
      return Buffer.concat([whole.subarray(0, 16), Buffer.from(head, 'latin1'), whole.subarray(end)]);
    };
    const heads: readonly [string, (head: string) => string][] = [
      ['is no JSON', (head) => head.replace('{', '!')],
      ['lacks what it must have', (head) => head.replace('"gaps"', '"GAPS"')],
      ['is not UTF-8', (head) => head.replace('no-kb', 'no-k\xff')],
    ];
    for (const [why, change] of heads) {
      const error = caught(() => decodeSnapshot(withHead(change)));
      expect(error, why).toBeInstanceOf(SnapshotError);
      expect((error as SnapshotError).cause, why).toBeInstanceOf(Error);
    }
    const twice = withHead((head) => head.replace('"files.name"', '"files.url" '));
    expect(() => decodeSnapshot(twice)).toThrow('it has its section "files.url" twice');
  });

  it.each<[string, (columns: CatalogColumns) => CatalogColumns]>([
    ['guid', (c) => ({ ...c, updates: { ...c.updates, guid: Uint32Array.of(0, 99) } })],
    ['revisionId', (c) => ({ ...c, updates: { ...c.updates, revisionId: Uint32Array.of(20, 10) } })],
    ['title', (c) => ({ ...c, updates: { ...c.updates, title: Uint32Array.of(0, 99) } })],
    ['flags', (c) => ({ ...c, updates: { ...c.updates, flags: Uint16Array.of(0) } })],
    [
      'payload.values',
      (c) => ({ ...c, updates: { ...c.updates, payload: { ...c.updates.payload, values: Uint32Array.of(9) } } }),
    ],
    ['kbs.ends', (c) => ({ ...c, updates: { ...c.updates, kbs: { ...c.updates.kbs, ends: Uint32Array.of(2, 1) } } })],
    [
      'prerequisites',
      (c) => ({
        ...c,
        updates: {
          ...c.updates,
          prerequisites: { ...c.updates.prerequisites, values: c.updates.prerequisites.values.map((n) => n + 7) },
        },
      }),
    ],
    ['guids', (c) => ({ ...c, guids: c.guids.subarray(0, c.guids.length - 8) })],
    ['updates.flags', (c) => ({ ...c, updates: { ...c.updates, flags: Uint16Array.of(3 << 2, 0) } })],
    ['updates.flags', (c) => ({ ...c, updates: { ...c.updates, flags: Uint16Array.of(0, 7 << 6) } })],
    ['updates.bundledBy.values', (c) => withUpdates(c, { bundledBy: onlyFirst(11) })],
    ['updates.supersededBy.values', (c) => withUpdates(c, { supersededBy: onlyFirst(21) })],
    [
      'updates.payloadSource',
      (c) => withUpdates(c, { payloadName: Uint32Array.of(1), payloadSource: Uint8Array.of(2) }),
    ],
    ['updates.payloadName', (c) => withUpdates(c, { payloadSource: Uint8Array.of(3) })],
    ['updates.payloadName', (c) => withUpdates(c, { payloadName: Uint32Array.of(1) })],
    ['files.sha1', (c) => withFiles(c, { sha1: new Uint8Array(40) })],
    [
      'files.sha1',
      (c) => withFiles(c, { sha1: new Uint8Array([...c.files.sha1.subarray(20), ...c.files.sha1.subarray(0, 20)]) }),
    ],
    ['files.size', (c) => withFiles(c, { size: Float64Array.of(Number.NaN, 0) })],
    ['files.size', (c) => withFiles(c, { size: Float64Array.of(-1, 0) })],
    ['files.size', (c) => withFiles(c, { size: Float64Array.of(1.5, 0) })],
    ['files.size', (c) => withFiles(c, { size: Float64Array.of(2 ** 53, 0) })],
    ['files.size', (c) => withFiles(c, { size: Float64Array.of(0, 1) })],
    ['files.known', (c) => withFiles(c, { known: Uint8Array.of(255, 0) })],
    ['texts.bytes are not UTF-8', (c) => ({ ...c, texts: { ...c.texts, bytes: c.texts.bytes.map(() => 0xff) } })],
    ['texts.ends', (c) => ({ ...c, texts: { ...c.texts, bytes: withCharacterAcross(c.texts) } })],
    ['files.sha256', (c) => ({ ...c, files: { ...c.files, sha256: new Uint8Array(32) } })],
    ['texts', (c) => ({ ...c, texts: { ...c.texts, bytes: new Uint8Array(1) } })],
  ])('refuses references that lead nowhere: %s', (what, change) => {
    expect(() => decodeSnapshot(damaged(change))).toThrow(what);
  });

  it('does not take what could not be read back', () => {
    expect(() => bytes({ ...catalog, files: new Map([['x', { sha1: 'x' }]]) })).toThrow('"x" is not a SHA-1');
    const shouting = { ...bundle, updateId: guid(1).toUpperCase().replace(/0/g, 'A') };
    expect(() => bytes({ ...catalog, updates: new Map([[10, shouting]]) })).toThrow('is not a GUID');
    expect(() => bytes({ ...catalog, updates: new Map([[10, { ...bundle, kbs: ['KB1'] }]]) })).toThrow('KB number');
  });
});
