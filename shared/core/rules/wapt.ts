import { type Facts, updateKeys } from './match.ts';
import type { CategoryName, Effect, RulePackage, WaptLists } from './model.ts';
import { categoryName } from './words.ts';

/** All entries of all packages, list by list; products and classifications in lower case. */
export type UnitedWaptLists = Readonly<Record<keyof WaptLists, ReadonlyMap<string, WaptSource>>>;

/** The first package that has an entry. */
interface WaptSource {
  readonly package: string;
  /** Of the package among all of them, from 0: the smaller counts first. */
  readonly rank: number;
}

/** An entry that matches an update. */
export interface WaptHit {
  readonly list: keyof WaptLists;
  readonly package: string;
  /** What matched, in the update's spelling: `KB5001`. */
  readonly what: string;
}

/** @param ordered packages, the one that counts first at the front */
export function uniteWapt(ordered: readonly RulePackage[]): UnitedWaptLists {
  const unite = (list: keyof WaptLists, keyOf = (entry: string) => entry): ReadonlyMap<string, WaptSource> => {
    const united = new Map<string, WaptSource>();
    for (const [rank, { name, wapt }] of ordered.entries()) {
      for (const entry of wapt?.[list] ?? []) {
        const key = keyOf(entry);
        if (!united.has(key)) united.set(key, { package: name, rank });
      }
    }
    return united;
  };
  const inAnyCase = (entry: string) => entry.toLowerCase();
  return {
    forbiddenUpdates: unite('forbiddenUpdates'),
    forbiddenKbs: unite('forbiddenKbs'),
    allowedUpdates: unite('allowedUpdates'),
    allowedKbs: unite('allowedKbs'),
    allowedProducts: unite('allowedProducts', inAnyCase),
    allowedSeverities: unite('allowedSeverities'),
    allowedClassifications: unite('allowedClassifications', inAnyCase),
  };
}

type Lists = readonly (keyof WaptLists)[];
/** WAPT's own order; the lists of an effect are looked at until one matches. */
const forbidding: Lists = ['forbiddenUpdates', 'forbiddenKbs'];
const allowing: Lists = [
  'allowedUpdates',
  'allowedKbs',
  'allowedProducts',
  'allowedSeverities',
  'allowedClassifications',
];
const byId: Lists = ['forbiddenUpdates'];

/**
 * The first list of an effect that matches, and of its entries that match the one of the package that counts first.
 *
 * @param idsOnly for a servicing stack update: of the forbidding lists that of ids alone
 */
export function waptHit(
  united: UnitedWaptLists,
  facts: Facts,
  effect: Effect,
  { idsOnly }: { readonly idsOnly: boolean },
): WaptHit | undefined {
  if (effect === 'hold') return undefined;
  for (const list of effect === 'allow' ? allowing : idsOnly ? byId : forbidding) {
    const entries = united[list];
    if (entries.size === 0) continue;
    let first: WaptSource | undefined;
    let what = '';
    look[list](facts, (key, words) => {
      const source = entries.get(key);
      if (source === undefined || (first !== undefined && first.rank <= source.rank)) return;
      first = source;
      what = words;
    });
    // The callback's assignment is not seen by the compiler.
    const found = first as WaptSource | undefined;
    if (found !== undefined) return { list, package: found.package, what };
  }
  return undefined;
}

type Visit = (key: string, what: string) => void;
type Look = (facts: Facts, visit: Visit) => void;

const updates: Look = ({ update }, visit) => {
  for (const key of updateKeys(update)) visit(key, `update ${key}`);
};
const kbs: Look = ({ update }, visit) => {
  for (const kb of update.kbs) visit(kb, `KB${kb}`);
};
const category = (noun: string, named: CategoryName, visit: Visit): void => {
  const { id, title } = named;
  const what = `${noun} ${categoryName(named)}`;
  visit(id.toLowerCase(), what);
  if (title !== undefined) visit(title.toLowerCase(), what);
};

/** Under which keys an update could be in each list. */
const look: Readonly<Record<keyof WaptLists, Look>> = {
  forbiddenUpdates: updates,
  forbiddenKbs: kbs,
  allowedUpdates: updates,
  allowedKbs: kbs,
  allowedProducts: ({ update }, visit) => {
    for (const product of update.products) category('product', product, visit);
  },
  allowedSeverities: ({ update: { severity } }, visit) => {
    if (severity !== undefined) visit(severity, `severity ${severity}`);
  },
  allowedClassifications: ({ update: { classification } }, visit) => {
    if (classification !== undefined) category('classification', classification, visit);
  },
};
