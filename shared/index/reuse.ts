import { ColumnarCatalog } from '#shared/core/catalog/columns/columnar-catalog.ts';
import { type CatalogColumns, unpackFlags } from '#shared/core/catalog/columns/columns.ts';
import { type Lists, listEnd, listStart } from '#shared/core/catalog/columns/growing.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import type { ExaminedCab } from './examine-index.ts';
import type { FragmentReader } from './fragment-reader.ts';
import { english } from './fragments.ts';
import type { Values } from './values.ts';

/** Takes the facts of unchanged cabinets from an earlier catalogue, as if their fragments had been read again. */
export class ReusedFacts {
  readonly #columns: CatalogColumns | undefined;
  /** Number of the earlier catalogue's cabinet, by name of this index's. */
  readonly #unchanged = new Map<string, number>();
  /** Rows of the earlier catalogue by their cabinets; those of cabinet `i` end before `#ends[i]`. */
  readonly #rows: Uint32Array = none;
  readonly #ends: Uint32Array = none;

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
    if (this.#unchanged.size > 0) ({ rows: this.#rows, ends: this.#ends } = rowsByCab(this.#columns));
  }

  has(cabName: string): boolean {
    return this.#unchanged.has(cabName);
  }

  /**
   * To be called where the cabinet stands in this index: of what several cabinets say, the first counts.
   *
   * @param cab the number of the cabinet in this index
   */
  replay(cabName: string, cab: number, values: Values, fragments: FragmentReader): void {
    const number = this.#unchanged.get(cabName);
    if (number === undefined) return;
    const start = number === 0 ? 0 : (this.#ends[number - 1] as number);
    for (const row of this.#rows.subarray(start, this.#ends[number])) this.#replayRow(row, cab, values, fragments);
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
        kbs: flags.kbFromTitle ? [] : textsOf(updates.kbs),
        bulletins: textsOf(updates.bulletins),
        cves: textsOf(updates.cves),
        files: described,
      });
    }
    const title = updates.title[row] as number;
    // A cabinet that gave a title in another language is never reused.
    if (title !== 0) fragments.titles.add(revisionId, cab, english, text(title - 1));
  }
}

const none = new Uint32Array(0);

function rowsByCab({ updates, cabs }: CatalogColumns): { rows: Uint32Array; ends: Uint32Array } {
  const ends = new Uint32Array(cabs.length);
  for (const cab of updates.cab) if (cab > 0) ends[cab - 1] = (ends[cab - 1] as number) + 1;
  for (let cab = 1; cab < ends.length; cab++) ends[cab] = (ends[cab] as number) + (ends[cab - 1] as number);
  const rows = new Uint32Array(ends.at(-1) ?? 0);
  // From behind, so that where each cabinet's next row goes comes down to its first one.
  const next = ends.slice();
  for (let row = updates.cab.length - 1; row >= 0; row--) {
    const cab = (updates.cab[row] as number) - 1;
    if (cab < 0) continue;
    const place = (next[cab] as number) - 1;
    next[cab] = place;
    rows[place] = row;
  }
  return { rows, ends };
}
