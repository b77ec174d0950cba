import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { publishable } from '#shared/core/catalog/publishable.ts';
import { type Publication, whyNotMonthly } from '#shared/index/index.ts';

/** What a publication is measured by. */
export interface GateOptions {
  /** The publication that is current. */
  readonly current: IndexPointer | undefined;
  /** Its catalogue; `undefined` when it is lost, which must open no gate. */
  readonly previous: Catalog | undefined;
  /** How much smaller than the current publication it may be, in percent: 0 to 100. */
  readonly maxShrinkPercent: number;
  /** A person wants an older publication back. */
  readonly allowOlder: boolean;
  /** Take the index of an .msu for one too. */
  readonly allowSinglePackage: boolean;
}

/** Why an index that was read must not become the current one, in words; `undefined` when it may. */
export function whyNotPublish(
  { catalog, layout }: Pick<Publication, 'catalog' | 'layout'>,
  options: GateOptions,
): string | undefined {
  const { current, previous, maxShrinkPercent, allowOlder, allowSinglePackage } = options;
  const notMonthly = allowSinglePackage ? undefined : whyNotMonthly(layout);
  if (notMonthly !== undefined) return notMonthly;
  const older = allowOlder ? undefined : whyTooOld(catalog, current);
  if (older !== undefined) return older;
  const verdict = publishable(catalog, { previous, maxShrinkPercent });
  if (!verdict.ok) return verdict.reason;
  return previous === undefined && current !== undefined ? whyTooSmall(catalog, current, maxShrinkPercent) : undefined;
}

/**
 * Nodes of a CDN disagree for a while after a publication, and whoever sits at one could keep a whole fleet behind by
 * an old index, which is signed as well as a new one.
 */
function whyTooOld({ createdAt }: Catalog, current: IndexPointer | undefined): string | undefined {
  const before = Date.parse(current?.createdAt ?? '');
  if (Number.isNaN(before)) return undefined;
  const made = Date.parse(createdAt ?? '');
  if (made >= before) return undefined;
  const when = Number.isNaN(made) ? 'it does not say when Microsoft made it' : `Microsoft made it at ${createdAt}`;
  return `${when}, and the current one at ${current?.createdAt}: an older one is published only when a person allows it (allowOlder)`;
}

/** The pointer has fewer counts than the catalogue it belongs to, and is there without it. */
function whyTooSmall(catalog: Catalog, current: IndexPointer, maxShrinkPercent: number): string | undefined {
  const counted = [
    ['updates', current.updates, catalog.updates.size],
    ['payload files', current.files, catalog.files.size],
  ] as const;
  const shrunk = counted.filter(([, was, is]) => is < was * (1 - maxShrinkPercent / 100));
  if (shrunk.length === 0) return undefined;
  const fell = shrunk.map(([what, was, is]) => `${is} ${what} where the current publication has ${was}`).join(', ');
  return `it shrank: ${fell}; allowed are ${maxShrinkPercent} % less (MAX_SHRINK_PERCENT, property maxShrinkPercent)`;
}
