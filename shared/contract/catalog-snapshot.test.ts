import { describe, expect, it } from 'vitest';
import type { Catalog, CatalogUpdate } from '../core/catalog/model.ts';
import { decodeSnapshot, encodeSnapshot } from './catalog-snapshot.ts';

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
  alwaysInstalled: false,
  cbsParents: [
    {
      name: 'Microsoft-Windows-Client-Features-Package',
      version: '6.1.7601.17514',
      architecture: 'amd64',
      buildCompare: 'EQ',
      serviceCompare: 'GE',
    },
  ],
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
  cbsParents: [],
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

const text = (value: Catalog): string => [...encodeSnapshot(value)].join('');

describe('the snapshot of a catalogue', () => {
  it('comes back as it was', () => {
    expect(decodeSnapshot(JSON.parse(text(catalog)))).toEqual(catalog);
  });

  it('of nothing is valid', () => {
    const empty: Catalog = { updates: new Map(), files: new Map(), gaps: [] };
    expect(decodeSnapshot(JSON.parse(text(empty)))).toEqual(empty);
  });

  it('has one spelling, whatever the order in memory', () => {
    const other: Catalog = {
      gaps: catalog.gaps,
      files: new Map([...catalog.files].reverse()),
      updates: new Map([...catalog.updates].reverse()),
      createdAt: '2026-07-14T13:54:06Z',
      packageId: guid(99),
    };
    expect(text(other)).toBe(text(catalog));
  });

  it('refuses another version and values of another form', () => {
    const json = JSON.parse(text(catalog));
    expect(() => decodeSnapshot({ ...json, version: 2 })).toThrow();
    expect(() => decodeSnapshot({ ...json, files: [{ sha1: 'A'.repeat(40) }] })).toThrow();
    expect(() => text({ ...catalog, files: new Map([['x', { sha1: 'x' }]]) })).toThrow();
  });
});
