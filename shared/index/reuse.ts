import { ColumnarCatalog } from '#shared/core/catalog/columns/columnar-catalog.ts';
import { type CatalogColumns, unpackFlags } from '#shared/core/catalog/columns/columns.ts';
import { type Lists, listEnd, listStart } from '#shared/core/catalog/columns/growing.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import type { ExaminedCab } from './examine-index.ts';
import type { FragmentReader } from './fragment-reader.ts';
import type { Values } from './values.ts';

/** Takes the facts of unchanged cabinets from an earlier catalogue, as if their fragments had been read again. */
export class ReusedFacts {
  readonly #columns: CatalogColumns | undefined;
  /** Number of the earlier catalogue's cabinet, by name of this index's. */
  readonly #unchanged = new Map<string, number>();

  /** @param cabs the inner cabinets of this index */
  constructor(cabs: readonly ExaminedCab[], earlier: Catalog | undefined) {
    if (!(earlier instanceof ColumnarCatalog)) return;
    this.#columns = earlier.columns;
    const known = new Map(
      this.#columns.cabs.flatMap(({ sha256, reusable }, number) => (reusable ? [[sha256, number] as const] : [])),
    );
    for (const { name, sha256 } of cabs) {
      const number = known.get(sha256);
      if (number !== undefined) this.#unchanged.set(name, number);
    }
  }

  has(cabName: string): boolean {
    return this.#unchanged.has(cabName);
  }

  /** @param cab the number of the cabinet in this index */
  replay(cabName: string, cab: number, values: Values, fragments: FragmentReader): void {
    const number = this.#unchanged.get(cabName);
    if (number === undefined || this.#columns === undefined) return;
    const { updates } = this.#columns;
    for (let row = 0; row < updates.cab.length; row++) {
      if (updates.cab[row] === number + 1) this.#replayRow(row, cab, values, fragments);
    }
  }

  #replayRow(row: number, cab: number, values: Values, fragments: FragmentReader): void {
    if (this.#columns === undefined) return;
    const { updates, texts, guids, files } = this.#columns;
    const revisionId = updates.revisionId[row] as number;
    const flags = unpackFlags(updates.flags[row] as number);
    const text = (number: number): number =>
      values.texts.internBytes(
        texts.bytes,
        number === 0 ? 0 : (texts.ends[number - 1] as number),
        texts.ends[number] as number,
      );
    const textsOf = (lists: Lists): number[] => {
      const list: number[] = [];
      for (let at = listStart(lists, row); at < listEnd(lists, row); at++) list.push(text(lists.values[at] as number));
      return list;
    };
    if (flags.hasCore) {
      fragments.core.add(revisionId, cab, {
        // A cabinet of which a fragment names another identity than package.xml is never reused.
        guid: values.guids.intern(guids, (updates.guid[row] as number) * 16),
        revision: updates.revision[row] as number,
        type: flags.type,
      });
    }
    if (flags.hasExtended) {
      const described = [];
      for (let at = listStart(updates.payload, row); at < listEnd(updates.payload, row); at++) {
        const source = updates.payloadSource[at] as number;
        if (source === 0) continue;
        const file = updates.payload.values[at] as number;
        described.push({
          sha1: values.sha1s.intern(files.sha1, file * 20),
          name: text((updates.payloadName[at] as number) - 1),
          size: files.size[file] as number,
          sha256: source === 3 ? files.sha256.subarray(file * 32, file * 32 + 32) : undefined,
        });
      }
      fragments.extended.add(revisionId, cab, {
        severity: flags.severity,
        reboot: flags.reboot,
        kbs: textsOf(updates.kbs),
        bulletins: textsOf(updates.bulletins),
        cves: textsOf(updates.cves),
        files: described,
      });
    }
    const title = updates.title[row] as number;
    if (title !== 0) fragments.addReusedTitle(revisionId, cab, text(title - 1));
  }
}
