import type { Lookup, PayloadFile } from './model.ts';
import {
  type BoundedList,
  earlierOf,
  newest,
  type StoredUnit,
  type TitledCategory,
  type UnitFacts,
  type UnitFactsLookup,
  type UnitOfKb,
} from './unit-facts.ts';

/**
 * What a publication changes of the facts that are kept. Two questions, asked separately: which facts *may* differ
 * (`…Differing`, from two catalogues, cheap), and what becomes of the one that is kept (`merge…`, from the fact itself).
 * What a publication leaves out is no change: a file's SHA-256 stays true of its SHA-1 and an update's title of its
 * revision, whichever publication said so.
 */

/** Most units that one KB is kept with, the newest; a list of that length is about 250 kB. */
const maxUnitsOfKb = 3000;

/** The units of one KB as they are kept. */
export interface UnitsOfKb {
  /** The newest first. */
  readonly units: readonly UnitOfKb[];
  /** How many there are, when not all of them are kept. */
  readonly total?: number;
}

/** SHA-1 of each file of which the later catalogue says something that the earlier one does not. */
export function* filesDiffering(
  earlier: Lookup<string, PayloadFile>,
  later: Lookup<string, PayloadFile>,
): Generator<string> {
  for (const [sha1, said] of later) if (mergeFile(earlier.get(sha1), said) !== undefined) yield sha1;
}

/** UpdateId of each unit that is new, differs, or is gone from the later catalogue. */
export function* unitsDiffering(earlier: UnitFactsLookup, later: UnitFactsLookup): Generator<string> {
  for (const updateId of later.keys())
    if (!earlier.has(updateId) || !sameFacts(earlier.get(updateId), later.get(updateId))) yield updateId;
  for (const updateId of earlier.keys()) if (!later.has(updateId)) yield updateId;
}

/**
 * KB numbers that other units have now, each once.
 *
 * @param left numbers that kept units lost ({@link kbsLost}): a unit that had left the index is still with its KB of
 *   then, of which neither catalogue says anything
 */
export function* kbsDiffering(
  earlier: ReadonlyMap<string, readonly UnitOfKb[]>,
  later: ReadonlyMap<string, readonly UnitOfKb[]>,
  left: ReadonlySet<string>,
): Generator<string> {
  for (const [kb, units] of later)
    if (left.has(kb) || !sameFacts(newest(earlier.get(kb) ?? []), newest(units))) yield kb;
  for (const kb of new Set([...earlier.keys(), ...left])) if (!later.has(kb)) yield kb;
}

/** KB numbers that a unit loses when it is replaced. */
export const kbsLost = (kept: UnitFacts | undefined, replacement: UnitFacts | undefined): readonly string[] =>
  kept === undefined || replacement === undefined ? [] : kept.kbs.filter((kb) => !replacement.kbs.includes(kb));

/** @returns what to keep instead of `kept`; `undefined` when that is right as it is */
export function mergeFile(kept: PayloadFile | undefined, said: PayloadFile): PayloadFile | undefined {
  const merged = { ...kept, ...said };
  const same =
    kept !== undefined &&
    kept.sha256 === merged.sha256 &&
    kept.name === merged.name &&
    kept.size === merged.size &&
    kept.url === merged.url;
  return same ? undefined : merged;
}

/**
 * A unit that the publication lacks is marked and not deleted: hosts report it for months, and people ask what it was.
 * One that comes back loses the mark.
 *
 * @param said `undefined` when the publication lacks the unit
 * @param at when it was looked at, ISO 8601
 * @returns what to keep instead of `kept`; `undefined` when that is right as it is
 */
export function mergeUnit(
  kept: StoredUnit | undefined,
  said: UnitFacts | undefined,
  at: string,
): StoredUnit | undefined {
  if (said === undefined) {
    return kept === undefined || kept.withdrawnAt !== undefined ? undefined : { ...kept, withdrawnAt: at };
  }
  const merged = kept === undefined ? said : withLeftOut(kept, said);
  return sameFacts(kept, merged) ? undefined : merged;
}

/** Lists of a unit that one revision never changes. */
const ownLists = ['bulletins', 'cves'] as const;

/**
 * What this publication says, and what it lacks of it and is still true: the words of one revision, which never change;
 * titles of categories; and KB numbers, by which people know an update whatever its revision. {@link mergeUnitsOfKb}
 * has the same rule for these. When the UpdateId was first published does not move with a later revision either.
 */
function withLeftOut(kept: StoredUnit, said: UnitFacts): UnitFacts {
  const sameRevision = kept.revision === said.revision;
  const { title, severity, classification, reboot } = kept;
  const merged: UnitFacts = {
    ...(sameRevision && {
      ...(title !== undefined && { title }),
      ...(severity !== undefined && { severity }),
      ...(classification !== undefined && { classification }),
      ...(reboot !== undefined && { reboot }),
    }),
    ...said,
    firstPublishedAt: earlierOf(kept.firstPublishedAt, said.firstPublishedAt),
    ...(said.classification && { classification: withTitle(said.classification, [kept.classification]) }),
    products: said.products.map((category) => withTitle(category, kept.products)),
    families: said.families.map((category) => withTitle(category, kept.families)),
  };
  const lists = (['kbs', ...(sameRevision ? ownLists : [])] as const).filter((list) => said[list].length === 0);
  return lists.reduce((unit, list) => withList(unit, list, kept), merged);
}

/** A list as it is kept, with its true length. */
function withList(unit: UnitFacts, list: BoundedList, kept: StoredUnit): UnitFacts {
  const total = kept.totals?.[list];
  return {
    ...unit,
    [list]: kept[list],
    ...(total !== undefined && { totals: { ...unit.totals, [list]: total } }),
  };
}

/** A category; without a title, with the one that is known. */
const withTitle = (said: TitledCategory, known: readonly (TitledCategory | undefined)[]): TitledCategory =>
  said.title === undefined ? (known.find((category) => category?.id === said.id) ?? said) : said;

/**
 * Units that left the index stay with their KB, and so do those of which the publication says no KB. One that it says
 * has other KBs now does not.
 *
 * @param said the units that the publication says have this KB
 * @returns what to keep instead of `kept`; `undefined` when that is right as it is
 */
export function mergeUnitsOfKb(
  kb: string,
  kept: UnitsOfKb | undefined,
  said: readonly UnitOfKb[],
  publication: Pick<UnitFactsLookup, 'kbsOf'>,
): UnitsOfKb | undefined {
  const named = new Set(said.map(({ updateId }) => updateId));
  const staying = (kept?.units ?? []).filter(({ updateId }) => {
    if (named.has(updateId)) return false;
    const kbs = publication.kbsOf(updateId);
    return kbs === undefined || kbs.length === 0 || kbs.includes(kb);
  });
  const units = newest([...said, ...staying]);
  const merged = units.length > maxUnitsOfKb ? { units: units.slice(0, maxUnitsOfKb), total: units.length } : { units };
  if (kept === undefined && units.length === 0) return undefined;
  return kept !== undefined && sameFacts(kept, merged) ? undefined : merged;
}

/** Values of JSON are the same whatever the order of their fields. */
function sameFacts(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return (
    left.length === right.size && left.every(([name, value]) => right.has(name) && sameFacts(value, right.get(name)))
  );
}
