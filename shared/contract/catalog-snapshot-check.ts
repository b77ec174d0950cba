import type { CatalogColumns } from '../core/catalog/columns/columns.ts';
import type { Lists } from '../core/catalog/columns/growing.ts';
import type { SectionArray } from './catalog-snapshot-layout.ts';

/** What is wrong with bytes that are no snapshot of this version. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

/** Every length and every reference, so that nothing that is read later can be out of bounds. @throws SnapshotError */
export function checkColumns(columns: CatalogColumns): CatalogColumns {
  const { updates, files, texts } = columns;
  const rows = updates.revisionId.length;
  const fileRows = files.known.length;
  const guids = columns.guids.length / 16;
  const must = (ok: boolean, what: string): void => {
    if (!ok) throw new SnapshotError(`its ${what} does not fit the rest`);
  };
  const allBelow = (values: SectionArray, limit: number, what: string): void => {
    let most = -1;
    for (let i = 0; i < values.length; i++) if ((values[i] as number) > most) most = values[i] as number;
    must(most < limit, what);
  };
  const ascending = (values: SectionArray, what: string, strictly = false): void => {
    for (let i = 1; i < values.length; i++) {
      const step = (values[i] as number) - (values[i - 1] as number);
      if (step < 0 || (strictly && step === 0)) must(false, what);
    }
  };
  ascending(texts.ends, 'texts.ends');
  must((texts.ends.at(-1) ?? 0) === texts.bytes.length, 'texts.bytes');
  ascending(updates.revisionId, 'updates.revisionId', true);
  for (const name of ['guid', 'revision', 'flags', 'cab', 'created', 'title', 'classification'] as const) {
    must(updates[name].length === rows, `updates.${name}`);
  }
  allBelow(updates.guid, guids, 'updates.guid');
  allBelow(updates.classification, guids + 1, 'updates.classification');
  allBelow(updates.created, texts.ends.length, 'updates.created');
  allBelow(updates.title, texts.ends.length + 1, 'updates.title');
  allBelow(updates.cab, columns.cabs.length + 1, 'updates.cab');
  const limits = {
    bundledBy: Number.POSITIVE_INFINITY,
    supersededBy: Number.POSITIVE_INFINITY,
    products: guids,
    families: guids,
    companies: guids,
    payload: fileRows,
    kbs: texts.ends.length,
    bulletins: texts.ends.length,
    cves: texts.ends.length,
    prerequisites: Number.POSITIVE_INFINITY,
  };
  for (const [name, limit] of Object.entries(limits) as [keyof typeof limits, number][]) {
    const { ends, values } = updates[name];
    must(ends.length === rows, `updates.${name}.ends`);
    ascending(ends, `updates.${name}.ends`);
    must((ends.at(-1) ?? 0) === values.length, `updates.${name}.values`);
    if (limit !== Number.POSITIVE_INFINITY) allBelow(values, limit, `updates.${name}.values`);
  }
  must(clausesFit(updates.prerequisites, guids), 'updates.prerequisites.values');
  must(updates.payloadName.length === updates.payload.values.length, 'updates.payloadName');
  must(updates.payloadSource.length === updates.payload.values.length, 'updates.payloadSource');
  allBelow(updates.payloadName, texts.ends.length + 1, 'updates.payloadName');
  must(files.sha1.length === fileRows * 20, 'files.sha1');
  must(files.sha256.length === fileRows * 32, 'files.sha256');
  for (const name of ['size', 'name', 'url'] as const) must(files[name].length === fileRows, `files.${name}`);
  allBelow(files.name, texts.ends.length + 1, 'files.name');
  allBelow(files.url, texts.ends.length + 1, 'files.url');
  return columns;
}

/** Whether the lists consist of clauses, each the number of its ids and these. */
function clausesFit({ ends, values }: Lists, guids: number): boolean {
  let at = 0;
  for (let row = 0; row < ends.length; row++) {
    const end = ends[row] as number;
    while (at < end) {
      const until = at + 1 + (values[at] as number);
      if (until > end) return false;
      for (at += 1; at < until; at++) if ((values[at] as number) >= guids) return false;
    }
  }
  return true;
}
