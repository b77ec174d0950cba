import { expect, it } from 'vitest';
import type { Catalog, CatalogUpdate, PayloadFile } from '#shared/core/catalog/model.ts';
import { at, catalogOf, fileOf, guid, sha1, unit } from '#test/kit/values.ts';
import type { CatalogStore } from './port.ts';

const nothing = { files: 0, units: 0, kbs: 0 };

/** What every CatalogStore does with facts of files, units and KBs. */
export function catalogFactsContract(make: () => Promise<CatalogStore>): void {
  /** A store that has taken in the publications in their order, and what the last one wrote. */
  async function after(...publications: readonly Catalog[]) {
    const store = await make();
    let previous: Catalog | undefined;
    let written = nothing;
    for (const [n, catalog] of publications.entries()) {
      written = await store.putFacts(catalog, { previous, at: at(n) });
      previous = catalog;
    }
    return { store, written };
  }
  const withFiles = (catalog: Catalog, ...files: readonly PayloadFile[]): Catalog => ({
    ...catalog,
    files: new Map(files.map((file) => [file.sha1, file])),
  });
  const units = (from: number, to: number): CatalogUpdate[] =>
    Array.from({ length: to - from + 1 }, (_, n) => unit(from + n));

  it('finds facts of files by digest, and leaves out what no publication named', async () => {
    const bare = { sha1: sha1('bare') };
    const catalog = catalogOf(units(1, 230));
    const { store, written } = await after(withFiles(catalog, ...catalog.files.values(), bare));
    expect(written).toEqual({ files: 231, units: 230, kbs: 230 });
    const facts = await store.fileFacts([...catalog.files.keys(), bare.sha1, bare.sha1, sha1('unknown')]);
    expect(facts.size).toBe(231);
    for (const file of catalog.files.values()) expect(facts.get(file.sha1)).toEqual(file);
    expect(facts.get(bare.sha1)).toEqual(bare);
    expect(await store.fileFacts([])).toEqual(new Map());
  });

  it('finds a unit by its id, with titles and identities', async () => {
    const product = unit(900, { action: 'evaluate', type: 'category', title: 'Windows 11', kbs: [], payload: [] });
    const newer = unit(2, { severity: 'Critical', cves: ['CVE-2026-1'], createdAt: at(60) });
    const older = unit(1, {
      supersededBy: [2],
      categories: { classification: guid(901), products: [guid(900)], families: [], companies: [] },
    });
    const leaf = unit(3, { action: 'bundle', bundledBy: [1], reboot: 'can', kbs: [], payload: [sha1('leaf')] });
    const { store } = await after(catalogOf([older, newer, leaf, product]));
    expect(await store.unitFacts(guid(1))).toEqual({
      updateId: guid(1),
      revision: 200,
      createdAt: at(0),
      firstPublishedAt: at(0),
      title: 'Update 1 (KB5000001)',
      kbs: ['5000001'],
      classification: { id: guid(901) },
      products: [{ id: guid(900), title: 'Windows 11' }],
      families: [],
      bulletins: [],
      cves: [],
      reboot: 'can',
      supersededBy: [{ updateId: guid(2), revision: 200 }],
      supersedes: [],
      files: [sha1('file 1'), sha1('leaf')],
      bytes: 12,
    });
    expect(await store.unitFacts(guid(2))).toMatchObject({
      severity: 'Critical',
      cves: ['CVE-2026-1'],
      supersedes: [{ updateId: guid(1), revision: 200 }],
    });
    for (const id of [guid(3), guid(900), guid(77)]) expect(await store.unitFacts(id)).toBeUndefined();
  });

  it('finds many units by their ids, and leaves out what no publication had', async () => {
    const { store } = await after(catalogOf(units(1, 230)));
    const asked = Array.from({ length: 232 }, (_, n) => guid(n + 1));
    const { units: found, unreadable } = await store.unitsById([...asked, guid(1), guid(900)]);
    expect([...found.keys()].sort()).toEqual(asked.slice(0, 230));
    expect(found.get(guid(7))).toEqual(await store.unitFacts(guid(7)));
    expect(unreadable).toEqual([]);
    expect(await store.unitsById([])).toEqual({ units: new Map(), unreadable: [] });
  });

  it('keeps when an UpdateId was first published, whatever revisions come, and writes no more for it', async () => {
    const revised = (revision: number, createdAt: string) => catalogOf([unit(1, { revision, createdAt }), unit(2)]);
    const [first, second] = [revised(200, at(10)), revised(201, at(90))];
    const { store, written } = await after(first, second);
    // The unit, and the list of its KB, which has the day of the revision.
    expect(written).toEqual({ files: 0, units: 1, kbs: 1 });
    const kept = { revision: 201, createdAt: at(90), firstPublishedAt: at(10) };
    expect(await store.unitFacts(guid(1))).toMatchObject(kept);
    expect((await store.unitsOfKb('5000001', { limit: 9 })).units).toMatchObject([kept]);
    expect(await store.putFacts(second, { previous: second, at: at(99) })).toEqual(nothing);
    expect(await store.putFacts(second, { previous: undefined, at: at(99) })).toEqual(nothing);
    expect(await store.putFacts(second, { previous: second, at: at(99), compareWithTable: true })).toEqual(nothing);
    // One publication lists both revisions, the next only the newer one: looked at, and nothing to write.
    const both = catalogOf([
      unit(1, { revisionId: 11, revision: 200, createdAt: at(10) }),
      unit(1, { revisionId: 12, revision: 201, createdAt: at(90) }),
      unit(2),
    ]);
    expect(await store.putFacts(both, { previous: second, at: at(99) })).toEqual(nothing);
    expect(await store.putFacts(second, { previous: both, at: at(99) })).toEqual(nothing);
    expect(await store.unitFacts(guid(1))).toMatchObject(kept);
  });

  it('lists the units of a KB over pages, the newest first', async () => {
    const kbs = ['890830'];
    const all = units(1, 7).map((each, n) => ({ ...each, kbs, createdAt: at(n) }));
    const { store } = await after(catalogOf([...all, unit(8, { kbs: ['890830', '5000099'] })]));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.unitsOfKb('890830', { cursor, limit: 3 });
      expect(page).toMatchObject({ total: 8, unreadable: [] });
      seen.push(...page.units.map(({ updateId }) => updateId));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1, 8].map(guid));
    expect((await store.unitsOfKb('5000099', { limit: 3 })).units.map(({ updateId }) => updateId)).toEqual([guid(8)]);
    expect(await store.unitsOfKb('123456', { limit: 3 })).toEqual({ units: [], unreadable: [], total: 0 });
    await expect(store.unitsOfKb('890830', { cursor: 'made up', limit: 3 })).rejects.toMatchObject({ code: 'refused' });
  });

  it('writes nothing for a publication that says the same, whatever its RevisionIds', async () => {
    const first = catalogOf([unit(1, { supersededBy: [2] }), unit(2), unit(3, { action: 'bundle', bundledBy: [1] })]);
    const renumbered = catalogOf([
      unit(1, { revisionId: 11, supersededBy: [12] }),
      unit(2, { revisionId: 12 }),
      unit(3, { revisionId: 13, action: 'bundle', bundledBy: [11] }),
    ]);
    const { store, written } = await after(first, renumbered);
    expect(written).toEqual(nothing);
    const compareWithTable = true;
    expect(await store.putFacts(first, { previous: renumbered, at: at(9), compareWithTable })).toEqual(nothing);
    expect(await store.putFacts(first, { previous: undefined, at: at(9) })).toEqual(nothing);
  });

  it('writes what is new or differs, and nothing else', async () => {
    const first = catalogOf(units(1, 150));
    const moved = { ...fileOf(sha1('file 7')), url: 'http://dl.delivery.mp.microsoft.com/elsewhere' };
    const second = catalogOf([
      ...units(1, 150).map((each, n) => (n === 4 ? { ...each, revision: 201 } : each)),
      unit(151),
    ]);
    const { store, written } = await after(first, withFiles(second, ...second.files.values(), moved));
    // The units 5 and 151, the files 7 and 151, and the KB of 151.
    expect(written).toEqual({ files: 2, units: 2, kbs: 1 });
    expect((await store.fileFacts([moved.sha1])).get(moved.sha1)).toEqual(moved);
    expect(await store.unitFacts(guid(5))).toMatchObject({ revision: 201 });
    expect(await store.unitFacts(guid(151))).toBeDefined();
  });

  it('keeps what a publication leaves out', async () => {
    const [digest, whole] = [sha1('file 1'), fileOf(sha1('file 1'))];
    const { sha256: _, ...withoutSha256 } = whole;
    const { title: __, ...untitled } = unit(1, { kbs: [] });
    const first = catalogOf([unit(1, { severity: 'Low', cves: ['CVE-2026-1'] })]);
    const second = withFiles(catalogOf([untitled]), { ...withoutSha256, url: 'http://download.windowsupdate.com/two' });
    const third = withFiles(catalogOf([untitled]), {
      ...withoutSha256,
      url: 'http://download.windowsupdate.com/three',
    });
    const { store } = await after(first, second, third);
    expect((await store.fileFacts([digest])).get(digest)).toEqual({
      ...whole,
      url: 'http://download.windowsupdate.com/three',
    });
    const kept = { title: 'Update 1 (KB5000001)', kbs: ['5000001'], severity: 'Low', cves: ['CVE-2026-1'] };
    expect(await store.unitFacts(guid(1))).toMatchObject(kept);
    expect((await store.unitsOfKb('5000001', { limit: 9 })).units).toMatchObject([kept]);
    // Another revision speaks for itself, but for the KB numbers that people know the update by.
    const fourth = catalogOf([{ ...untitled, revision: 201 }]);
    await store.putFacts(fourth, { previous: third, at: at(5) });
    const later = await store.unitFacts(guid(1));
    expect(later).toMatchObject({ revision: 201, kbs: ['5000001'], cves: [] });
    expect(later).not.toHaveProperty('title');
    expect((await store.unitsOfKb('5000001', { limit: 9 })).units).toEqual([later]);
    expect(await store.putFacts(fourth, { previous: undefined, at: at(9) })).toEqual(nothing);
  });

  it('marks units that left the index, with the day; the mark goes when they come back', async () => {
    const [both, one] = [catalogOf([unit(1), unit(2)]), catalogOf([unit(1)])];
    const { store, written } = await after(both, one, one);
    expect(written).toEqual(nothing);
    expect(await store.unitFacts(guid(2))).toMatchObject({ withdrawnAt: at(1), title: 'Update 2 (KB5000002)' });
    expect((await store.unitsOfKb('5000002', { limit: 9 })).units).toMatchObject([{ withdrawnAt: at(1) }]);
    expect(await store.putFacts(both, { previous: one, at: at(7) })).toEqual({ files: 0, units: 1, kbs: 0 });
    expect(await store.unitFacts(guid(2))).not.toHaveProperty('withdrawnAt');
  });

  it('takes a unit from a KB that it does not have any more', async () => {
    const { store } = await after(catalogOf([unit(1), unit(2, { kbs: ['5000001'] })]), catalogOf([unit(1), unit(2)]));
    const ofKb = async (kb: string) => (await store.unitsOfKb(kb, { limit: 9 })).units.map(({ updateId }) => updateId);
    expect(await ofKb('5000001')).toEqual([guid(1)]);
    expect(await ofKb('5000002')).toEqual([guid(2)]);
  });

  it('takes a unit that comes back with another KB from the one it left with', async () => {
    const leaving = catalogOf([unit(1), unit(2, { kbs: ['5000009'] })]);
    const back = catalogOf([unit(1), unit(2, { kbs: ['5000002'], revision: 201 })]);
    const { store, written } = await after(leaving, catalogOf([unit(1)]), back);
    const ofKb = async (kb: string) => (await store.unitsOfKb(kb, { limit: 9 })).units.map(({ updateId }) => updateId);
    expect(await ofKb('5000009')).toEqual([]);
    expect(await ofKb('5000002')).toEqual([guid(2)]);
    expect(written).toEqual({ files: 0, units: 1, kbs: 2 });
    expect(await store.putFacts(back, { previous: undefined, at: at(9) })).toEqual(nothing);
  });

  it('heals what a run that died had written, when it is told to compare with the table', async () => {
    const first = catalogOf(units(1, 120));
    const dead = catalogOf([...units(1, 119), unit(500), { ...unit(120), title: 'of a run that died' }]);
    const { store } = await after(first, dead);
    // The pointer still says `first`, and the next publication is `first` with one unit more.
    const next = catalogOf(units(1, 121));
    const trusting = await store.putFacts(next, { previous: first, at: at(5) });
    expect(trusting.units).toBe(1);
    expect(await store.unitFacts(guid(120))).toMatchObject({ title: 'of a run that died' });
    await store.putFacts(next, { previous: first, at: at(5), compareWithTable: true });
    expect(await store.unitFacts(guid(120))).toMatchObject({ title: 'Update 120 (KB5000120)' });
    expect(await store.unitFacts(guid(500))).toMatchObject({ withdrawnAt: at(5) });
  });

  it('tells how far it is', async () => {
    const store = await make();
    const told: number[] = [];
    await store.putFacts(catalogOf(units(1, 250)), {
      previous: undefined,
      at: at(0),
      onProgress: ({ files, units: so, kbs }) => told.push(files + so + kbs),
    });
    expect(told.at(-1)).toBe(750);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });
}
