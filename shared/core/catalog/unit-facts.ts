import type { Catalog, CatalogUpdate, RebootBehavior, Severity, UpdateIdentity } from './model.ts';
import { strongestReboot } from './queries.ts';

/** A classification, product or family with its English title, where the publication has one. */
export interface TitledCategory {
  /** UpdateId of the category. */
  readonly id: string;
  readonly title?: string;
}

/** The lists of {@link UnitFacts}, each of which is bounded. */
export type BoundedList =
  | 'kbs'
  | 'products'
  | 'families'
  | 'bulletins'
  | 'cves'
  | 'supersededBy'
  | 'supersedes'
  | 'files';

/**
 * What operators ask of one unit (an update that is installed by itself), with every reference resolved: nothing in it
 * depends on the RevisionIds of a publication. Its size is bounded, however long the lists of the index are.
 */
export interface UnitFacts extends UpdateIdentity {
  /** Of this revision. ISO 8601, as in the index. */
  readonly createdAt: string;
  /**
   * The earliest `createdAt` of the UpdateId, in whichever revision: what ages and delays are counted from. Of what one
   * publication lists; as facts are kept, of all publications that were taken in.
   */
  readonly firstPublishedAt: string;
  readonly title?: string;
  readonly kbs: readonly string[];
  readonly severity?: Severity;
  readonly classification?: TitledCategory;
  readonly products: readonly TitledCategory[];
  readonly families: readonly TitledCategory[];
  readonly bulletins: readonly string[];
  readonly cves: readonly string[];
  /** The strongest of the unit and its leaves. */
  readonly reboot?: RebootBehavior;
  /** Newer units, the newest first. */
  readonly supersededBy: readonly UpdateIdentity[];
  /** Older units, the newest first. */
  readonly supersedes: readonly UpdateIdentity[];
  /** SHA-1 (hex) of the files of the unit and its leaves, each once. */
  readonly files: readonly string[];
  /** Sum of the sizes that the index gives of all its files. */
  readonly bytes: number;
  /** Files of which the index gives no size: `bytes` is less than the truth then. Absent when there are none. */
  readonly unsizedFiles?: number;
  /** True lengths of the lists that were cut; absent when none was. */
  readonly totals?: Readonly<Partial<Record<BoundedList, number>>>;
}

/** Facts as they are kept: units that left the index stay, marked. */
export interface StoredUnit extends UnitFacts {
  /** When a publication first lacked it, ISO 8601; absent while it is in the index. */
  readonly withdrawnAt?: string;
}

/** Which units have a KB, the newest first; units that left the index are among them. */
export interface UnitOfKb {
  readonly updateId: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/**
 * Lengths that hold a row far below DynamoDB's 400 KB. Real units have at most three leaves of 19 files, some 120
 * superseders (a cumulative update after ten years) and some 200 CVEs
 * (usui-tk and HexMystic/patchmanagement, on the indexes of June and July 2026).
 */
const limits: Readonly<Record<BoundedList, number>> = {
  kbs: 20,
  products: 200,
  families: 50,
  bulletins: 50,
  cves: 500,
  supersededBy: 200,
  supersedes: 200,
  files: 500,
};
/** Characters. */
const maxTitle = 1024;
const maxCategoryTitle = 128;
const maxNumber = 32;

/** The units of a catalogue. Facts are made when they are asked for; what they need was gathered in one pass. */
export interface UnitFactsLookup {
  readonly size: number;
  has(updateId: string): boolean;
  /** UpdateIds. */
  keys(): Iterable<string>;
  /** By UpdateId. A unit that is listed in several revisions counts with its newest. */
  get(updateId: string): UnitFacts | undefined;
  /** KB numbers of a unit as the publication says them, without making all its facts. */
  kbsOf(updateId: string): readonly string[] | undefined;
  /** Units by KB number, in no order. */
  byKb(): ReadonlyMap<string, readonly UnitOfKb[]>;
}

/** What is kept of a leaf. */
interface Leaf {
  readonly updateId: string;
  readonly payload: readonly string[];
  readonly reboot: RebootBehavior | undefined;
}

/** Gathers the units of a catalogue in one pass over its updates. */
export function unitFactsOf(catalog: Catalog): UnitFactsLookup {
  const byId = new Map<string, CatalogUpdate>();
  const firstPublished = new Map<string, string>();
  const byRevisionId = new Map<number, CatalogUpdate>();
  const leaves = new Map<number, Leaf[]>();
  const older = new Map<number, CatalogUpdate[]>();
  const titles = new Map<string, { readonly revision: number; readonly title: string }>();
  for (const update of catalog.updates.values()) {
    const { updateId, revision, title } = update;
    if (update.action === 'install') {
      byRevisionId.set(update.revisionId, update);
      if (revision >= (byId.get(updateId)?.revision ?? 0)) byId.set(updateId, update);
      const first = firstPublished.get(updateId);
      firstPublished.set(updateId, first === undefined ? update.createdAt : earlierOf(first, update.createdAt));
      for (const newer of update.supersededBy) append(older, newer, update);
    } else if (update.action === 'bundle') {
      const leaf = { updateId, payload: update.payload, reboot: update.reboot };
      for (const bundle of update.bundledBy) append(leaves, bundle, leaf);
    } else if (title !== undefined && revision >= (titles.get(updateId)?.revision ?? 0)) {
      titles.set(updateId, { revision, title });
    }
  }

  const titled = (id: string): TitledCategory => {
    const title = titles.get(id)?.title;
    return title === undefined ? { id } : { id, title: cut(title, maxCategoryTitle) };
  };
  const factsOf = (unit: CatalogUpdate): UnitFacts => {
    // Leaves stand in the order of their RevisionIds, which changes with the publication.
    const parts = (leaves.get(unit.revisionId) ?? []).toSorted(byUpdateId);
    const files = [...new Set([unit, ...parts].flatMap(({ payload }) => payload))];
    const sizes = files.map((sha1) => catalog.files.get(sha1)?.size);
    const unsizedFiles = sizes.filter((size) => size === undefined).length;
    const reboot = strongestReboot([unit, ...parts]);
    const newer = unit.supersededBy.flatMap((id) => byRevisionId.get(id) ?? catalog.updates.get(id) ?? []);
    const lists = {
      kbs: unit.kbs,
      products: unit.categories.products,
      families: unit.categories.families,
      bulletins: unit.bulletins,
      cves: unit.cves,
      supersededBy: newest(newer),
      supersedes: newest(older.get(unit.revisionId) ?? []),
      files,
    };
    const totals = totalsOf(lists);
    const bounded = <T>(name: BoundedList, list: readonly T[]): readonly T[] => list.slice(0, limits[name]);
    const { classification } = unit.categories;
    return {
      updateId: unit.updateId,
      revision: unit.revision,
      createdAt: unit.createdAt,
      firstPublishedAt: firstPublished.get(unit.updateId) ?? unit.createdAt,
      ...(unit.title !== undefined && { title: cut(unit.title, maxTitle) }),
      kbs: bounded('kbs', lists.kbs),
      ...(unit.severity !== undefined && { severity: unit.severity }),
      ...(classification !== undefined && { classification: titled(classification) }),
      products: bounded('products', lists.products).map(titled),
      families: bounded('families', lists.families).map(titled),
      bulletins: bounded('bulletins', lists.bulletins).map((bulletin) => cut(bulletin, maxNumber)),
      cves: bounded('cves', lists.cves).map((cve) => cut(cve, maxNumber)),
      ...(reboot !== undefined && { reboot }),
      supersededBy: bounded('supersededBy', lists.supersededBy).map(identity),
      supersedes: bounded('supersedes', lists.supersedes).map(identity),
      files: bounded('files', files),
      bytes: sizes.reduce((sum: number, size) => sum + (size ?? 0), 0),
      ...(unsizedFiles > 0 && { unsizedFiles }),
      ...(totals !== undefined && { totals }),
    };
  };
  return {
    size: byId.size,
    has: (updateId) => byId.has(updateId),
    keys: () => byId.keys(),
    get: (updateId) => {
      const unit = byId.get(updateId);
      return unit === undefined ? undefined : factsOf(unit);
    },
    kbsOf: (updateId) => byId.get(updateId)?.kbs,
    byKb: () => {
      const units = new Map<string, UnitOfKb[]>();
      for (const { updateId, createdAt, kbs } of byId.values())
        for (const kb of new Set(kbs)) append(units, kb, { updateId, createdAt });
      return units;
    },
  };
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byUpdateId = (a: { readonly updateId: string }, b: { readonly updateId: string }): number =>
  compareText(a.updateId, b.updateId);

/** The newest first, and one order for one set: what is equal in two publications must be spelt equally. */
export const newest = <T extends UnitOfKb>(units: readonly T[]): T[] =>
  units.toSorted((a, b) => compareText(b.createdAt, a.createdAt) || byUpdateId(a, b));

/**
 * Of two moments the one that comes first, as it is spelt; of the same moment, or where one of them cannot be read, the
 * first argument unless only the second can be read.
 */
export function earlierOf(a: string, b: string): string {
  const [left, right] = [Date.parse(a), Date.parse(b)];
  return right < left || (Number.isNaN(left) && !Number.isNaN(right)) ? b : a;
}

const identity = ({ updateId, revision }: UpdateIdentity): UpdateIdentity => ({ updateId, revision });

function totalsOf(lists: Readonly<Record<BoundedList, readonly unknown[]>>): UnitFacts['totals'] {
  const over = Object.entries(lists).filter(([name, list]) => list.length > limits[name as BoundedList]);
  return over.length === 0 ? undefined : Object.fromEntries(over.map(([name, list]) => [name, list.length]));
}
