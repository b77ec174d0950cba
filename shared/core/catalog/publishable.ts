import type { Catalog, CatalogGap } from './model.ts';

/**
 * How much of a publication may be missing. Real ones miss nothing: in those of May to July 2026 each of some 136,000
 * updates had its core fragment and each of 97,000 files its location. One in a hundred is far above any accident of
 * theirs and far below what a truncated or reshaped index would show.
 */
const MAX_MISSING_SHARE = 0.01;

/** In the real publications of May to July 2026 no count fell. */
const defaultMaxShrinkPercent = 20;

export type Publishable = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface PublishableOptions {
  /** Catalogue of the current publication. @default - nothing can have shrunk */
  readonly previous?: Catalog | undefined;
  /** How much smaller than the current publication it may be, in percent: 0 to 100. @default 20 */
  readonly maxShrinkPercent?: number | undefined;
}

/**
 * Whether hosts may be given this catalogue. A file whose format has changed can be read without an error and say
 * almost nothing; published, it would tell every host that it needs no update.
 */
export function publishable(catalog: Catalog, options: PublishableOptions = {}): Publishable {
  const counts = countCatalog(catalog);
  const reasons = refusals(catalog, counts);
  // What is empty is said already; that it shrank would say it twice.
  if (reasons.length === 0 && options.previous !== undefined)
    reasons.push(...shrinkage(countCatalog(options.previous), counts, options.maxShrinkPercent));
  return reasons.length === 0 ? { ok: true } : { ok: false, reason: reasons.join('; ') };
}

interface Counts {
  readonly updates: number;
  readonly units: number;
  readonly unitsWithKb: number;
  readonly files: number;
  /** Links from parts to the bundles that carry them. */
  readonly bundleLinks: number;
  readonly withoutType: number;
}

/** One pass over the updates. */
function countCatalog({ updates, files }: Catalog): Counts {
  let units = 0;
  let unitsWithKb = 0;
  let bundleLinks = 0;
  let withoutType = 0;
  for (const { action, kbs, bundledBy, type } of updates.values()) {
    bundleLinks += bundledBy.length;
    if (type === 'unknown') withoutType += 1;
    if (action !== 'install') continue;
    units += 1;
    if (kbs.length > 0) unitsWithKb += 1;
  }
  return { updates: updates.size, units, unitsWithKb, files: files.size, bundleLinks, withoutType };
}

/** The current publication is the measure: a count that fell far is a part that is not there, or is not understood. */
function shrinkage(before: Counts, now: Counts, maxShrinkPercent = defaultMaxShrinkPercent): string[] {
  const counted = [
    ['updates', before.updates, now.updates],
    ['updates that can be installed', before.units, now.units],
    ['updates that can be installed and have a KB number', before.unitsWithKb, now.unitsWithKb],
    ['payload files', before.files, now.files],
    ['links from parts to bundles', before.bundleLinks, now.bundleLinks],
  ] as const;
  const shrunk = counted.filter(([, was, is]) => is < was * (1 - maxShrinkPercent / 100));
  if (shrunk.length === 0) return [];
  const fell = shrunk.map(
    ([what, was, is]) => `${is} ${what} where the current publication has ${was} (${percent(1 - is / was)} less)`,
  );
  return [
    `it shrank: ${fell.join(', ')}; allowed are ${maxShrinkPercent} % less. If Microsoft removed that much on purpose, ` +
      'raise MAX_SHRINK_PERCENT (property maxShrinkPercent of the stack) and ask for a synchronisation',
  ];
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

function refusals(catalog: Catalog, { updates, units, unitsWithKb, files, withoutType }: Counts): string[] {
  if (updates === 0) return ['it lists no updates'];
  if (units === 0) return [`none of its ${updates} updates can be installed by itself`];
  const reasons: string[] = [];
  if (unitsWithKb === 0) reasons.push(`none of the ${units} updates that can be installed has a KB number`);
  if (files === 0) reasons.push(`none of its ${updates} updates has a payload file`);
  const gap = (code: CatalogGap['code']): CatalogGap | undefined => catalog.gaps.find((known) => known.code === code);
  const tooMany = (count: number, total: number, what: string): void => {
    if (count <= total * MAX_MISSING_SHARE) return;
    reasons.push(`${count} of ${total} ${what}, allowed is ${MAX_MISSING_SHARE * 100} %`);
  };
  const tooManyOf = (code: CatalogGap['code'], total: number, what: string): void => {
    const found = gap(code);
    if (found !== undefined) tooMany(found.count, total, `${what}${examples(found)}`);
  };
  if (files > 0 && gap('no-file-locations') !== undefined) {
    reasons.push(`it has no FileLocations, so none of its ${files} payload files can be fetched`);
  } else {
    tooManyOf('location-missing', files, 'payload files have no location');
  }
  tooManyOf('fragment-missing', updates, 'updates lack a fragment');
  tooManyOf('identity-mismatch', updates, 'updates have another identity in their core fragment than in package.xml');
  tooMany(withoutType, updates, 'updates are of no known type');
  tooManyOf('dangling-bundle', updates, 'updates are parts of bundles that it lacks');
  tooManyOf('file-facts-missing', files, 'payload files have no name and size');
  const conflict = gap('file-facts-conflict');
  if (conflict !== undefined) {
    reasons.push(`it contradicts itself about size or SHA-256 of ${conflict.count} payload files${examples(conflict)}`);
  }
  let bytes = 0;
  for (const { size } of catalog.files.values()) bytes += size ?? 0;
  if (!Number.isSafeInteger(bytes)) reasons.push(`its payload files are said to have ${bytes} bytes together`);
  return reasons;
}

const examples = ({ examples: [first] }: CatalogGap): string => (first === undefined ? '' : ` (for instance ${first})`);
