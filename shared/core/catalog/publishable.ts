import type { Catalog, CatalogGap } from './model.ts';

/**
 * How much of a publication may be missing. Real ones miss nothing: in those of May to July 2026 each of some 136,000
 * updates had its core fragment and each of 97,000 files its location. One in a hundred is far above any accident of
 * theirs and far below what a truncated or reshaped index would show.
 */
const MAX_MISSING_SHARE = 0.01;

export type Publishable = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * Whether hosts may be given this catalogue. A file whose format has changed can be read without an error and say
 * almost nothing; published, it would tell every host that it needs no update.
 */
export function publishable(catalog: Catalog): Publishable {
  const reasons = refusals(catalog);
  return reasons.length === 0 ? { ok: true } : { ok: false, reason: reasons.join('; ') };
}

function refusals(catalog: Catalog): string[] {
  const updates = catalog.updates.size;
  const files = catalog.files.size;
  if (updates === 0) return ['it lists no updates'];
  const units = [...catalog.updates.values()].filter((update) => update.action === 'install');
  if (units.length === 0) return [`none of its ${updates} updates can be installed by itself`];
  const reasons: string[] = [];
  if (units.every((unit) => unit.kbs.length === 0)) {
    reasons.push(`none of the ${units.length} updates that can be installed has a KB number`);
  }
  if (files === 0) reasons.push(`none of its ${updates} updates has a payload file`);
  const gap = (code: CatalogGap['code']): CatalogGap | undefined => catalog.gaps.find((known) => known.code === code);
  const tooMany = (code: CatalogGap['code'], total: number, what: string): void => {
    const found = gap(code);
    if (found === undefined || found.count <= total * MAX_MISSING_SHARE) return;
    reasons.push(`${found.count} of ${total} ${what}${examples(found)}, allowed is ${MAX_MISSING_SHARE * 100} %`);
  };
  if (files > 0 && gap('no-file-locations') !== undefined) {
    reasons.push(`it has no FileLocations, so none of its ${files} payload files can be fetched`);
  } else {
    tooMany('location-missing', files, 'payload files have no location');
  }
  tooMany('fragment-missing', updates, 'updates lack a fragment');
  tooMany('file-facts-missing', files, 'payload files have no name and size');
  const conflict = gap('file-facts-conflict');
  if (conflict !== undefined) {
    reasons.push(`it contradicts itself about size or SHA-256 of ${conflict.count} payload files${examples(conflict)}`);
  }
  return reasons;
}

const examples = ({ examples: [first] }: CatalogGap): string => (first === undefined ? '' : ` (for instance ${first})`);
