import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, catalogOf, fileOf, guid, sha1, unit } from '#test/kit/values.ts';
import { type CatalogDiff, diffCatalogs, isSame } from './diff.ts';
import type { Catalog, CatalogUpdate, PayloadFile } from './model.ts';

/** Any catalogue of up to twelve updates, whose RevisionIds are dealt anew in each. */
const catalogs: fc.Arbitrary<Catalog> = fc
  .record({
    numbers: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 12 }),
    revisions: fc.array(fc.integer({ min: 200, max: 201 }), { minLength: 12, maxLength: 12 }),
    actions: fc.array(fc.constantFrom('install', 'bundle', 'evaluate'), { minLength: 12, maxLength: 12 }),
    titles: fc.array(fc.option(fc.constantFrom('one', 'two'), { nil: undefined }), { minLength: 12, maxLength: 12 }),
    links: fc.array(fc.array(fc.nat({ max: 11 }), { maxLength: 3 }), { minLength: 12, maxLength: 12 }),
    offset: fc.integer({ min: 0, max: 40 }),
    urls: fc.array(fc.constantFrom('http://one/', 'http://two/', undefined), { minLength: 12, maxLength: 12 }),
  })
  .map(({ numbers, revisions, actions, titles, links, offset, urls }) => {
    const newerOf = (n: number): number[] =>
      (links[n - 1] ?? []).filter((index) => index < numbers.length).map((index) => offset + index);
    const updates = numbers.map((n, index): CatalogUpdate => {
      const { title: _, ...plain } = unit(n);
      const title = titles[n - 1];
      return {
        ...plain,
        revisionId: offset + index,
        revision: revisions[n - 1] ?? 200,
        action: actions[n - 1] ?? 'install',
        supersededBy: newerOf(n),
        ...(title !== undefined && { title }),
      };
    });
    const files = numbers.map((n): [string, PayloadFile] => {
      const { url: _, ...file } = fileOf(sha1(`file ${n}`));
      const url = urls[n - 1];
      return [file.sha1, { ...file, ...(url !== undefined && { url }) }];
    });
    return { ...catalogOf(updates), files: new Map(files) };
  });

const identities = (catalog: Catalog): Map<string, number> =>
  new Map([...catalog.updates.values()].map(({ updateId, revision }) => [updateId, revision]));

/** What the later publication must have, from the earlier one and the difference alone. */
function apply(before: Catalog, { added, revised, withdrawn, files }: CatalogDiff) {
  const updates = identities(before);
  for (const { updateId } of withdrawn) expect(updates.delete(updateId)).toBe(true);
  for (const { updateId, fromRevision, revision } of revised) {
    expect(updates.get(updateId)).toBe(fromRevision);
    updates.set(updateId, revision);
  }
  for (const { updateId, revision } of added) {
    expect(updates.has(updateId)).toBe(false);
    updates.set(updateId, revision);
  }
  const kept = new Map(before.files);
  for (const file of files.gone) expect(kept.delete(file.sha1)).toBe(true);
  for (const { before: was, after } of files.changed) {
    expect(kept.get(was.sha1)).toEqual(was);
    kept.set(after.sha1, after);
  }
  for (const file of files.added) kept.set(file.sha1, file);
  return { updates, files: kept };
}

describe('the difference', () => {
  it('of a publication and itself is empty, also under other RevisionIds', () => {
    fc.assert(
      fc.property(catalogs, fc.integer({ min: 100, max: 200 }), (catalog, offset) => {
        const renumber = (id: number): number => id + offset;
        const updates = [...catalog.updates.values()].map((update) => ({
          ...update,
          revisionId: renumber(update.revisionId),
          supersededBy: update.supersededBy.map(renumber).reverse(),
        }));
        const renumbered = { ...catalog, updates: new Map(updates.map((one) => [one.revisionId, one])) };
        expect(isSame(diffCatalogs(catalog, catalog))).toBe(true);
        expect(diffCatalogs(catalog, catalog).renumbered).toBe(0);
        expect(isSame(diffCatalogs(catalog, renumbered))).toBe(true);
        expect(diffCatalogs(catalog, renumbered).renumbered).toBe(catalog.updates.size);
      }),
    );
  });

  it('applied to the earlier publication gives the later one', () => {
    fc.assert(
      fc.property(catalogs, catalogs, (before, after) => {
        const result = apply(before, diffCatalogs(before, after));
        expect(result.updates).toEqual(identities(after));
        expect(result.files).toEqual(new Map(after.files));
      }),
    );
  });

  it('the other way round swaps what came and what went', () => {
    fc.assert(
      fc.property(catalogs, catalogs, (before, after) => {
        const [there, back] = [diffCatalogs(before, after), diffCatalogs(after, before)];
        const ids = (list: readonly { readonly updateId: string }[]) => list.map(({ updateId }) => updateId).sort();
        expect(ids(there.added)).toEqual(ids(back.withdrawn));
        expect(ids(there.revised)).toEqual(ids(back.revised));
        expect(ids(there.changed)).toEqual(ids(back.changed));
        expect(there.renumbered).toBe(back.renumbered);
        expect(there.files.added).toEqual(back.files.gone);
      }),
    );
  });

  it('names each kind of news', () => {
    const before = catalogOf([unit(1), unit(2), unit(3), unit(4, { supersededBy: [3] }), unit(5)]);
    const after = catalogOf([
      unit(1, { revisionId: 51, supersededBy: [6] }),
      unit(2, { revision: 201, title: 'Again' }),
      unit(3, { severity: 'Critical', kbs: ['5000003', '5000099'] }),
      unit(4, { supersededBy: [3, 6] }),
      unit(6, { createdAt: at(9) }),
    ]);
    const diff = diffCatalogs(before, after);
    expect(diff).toMatchObject({
      added: [{ updateId: guid(6), revision: 200, action: 'install', kbs: ['5000006'], createdAt: at(9) }],
      revised: [{ updateId: guid(2), revision: 201, fromRevision: 200, title: 'Again' }],
      withdrawn: [{ updateId: guid(5) }],
      changed: [
        { updateId: guid(1), facts: ['supersededBy'] },
        { updateId: guid(3), facts: ['kbs', 'severity'] },
        { updateId: guid(4), facts: ['supersededBy'] },
      ],
      superseded: [{ updateId: guid(1), by: [guid(6)] }],
      renumbered: 1,
      files: { added: [fileOf(sha1('file 6'))], changed: [], gone: [fileOf(sha1('file 5'))] },
    });
    expect(diff.superseded).toHaveLength(1);
    expect(isSame(diff)).toBe(false);
  });

  it('sees a fact of a file that went as well as one that came', () => {
    const whole = catalogOf([unit(1)]);
    const { sha256: _, ...bare } = fileOf(sha1('file 1'));
    const less = { ...whole, files: new Map([[bare.sha1, bare]]) };
    for (const [a, b] of [
      [whole, less],
      [less, whole],
    ] as const)
      expect(diffCatalogs(a, b).files.changed).toHaveLength(1);
  });

  it('counts an update that is listed twice with its newest revision', () => {
    const before = catalogOf([unit(1, { revisionId: 9, revision: 100 }), unit(1, { revision: 202 })]);
    const after = catalogOf([unit(1, { revision: 202 }), unit(1, { revisionId: 9, revision: 101 })]);
    expect(isSame(diffCatalogs(before, after))).toBe(true);
  });
});
