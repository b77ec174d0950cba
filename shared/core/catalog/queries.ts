import type { Catalog, CatalogUpdate, PayloadFile, RebootBehavior } from './model.ts';

/** Questions about one catalogue. Links that the index gives in one direction are turned round once, up front. */
export interface CatalogQueries {
  /** Updates of their own: what an operator or a rule speaks of. */
  units(): readonly CatalogUpdate[];
  /** Payload parts that the unit bundles. */
  leavesOf(unit: CatalogUpdate): readonly CatalogUpdate[];
  /** Files of the update and of its leaves, each once, in the order of the index. */
  filesOf(update: CatalogUpdate): readonly PayloadFile[];
  /** Older updates that name this one as newer. */
  supersedes(update: CatalogUpdate): readonly CatalogUpdate[];
  /** Newer updates that this one names. */
  supersededBy(update: CatalogUpdate): readonly CatalogUpdate[];
  /** Title of a classification, product, family or company: that of the newest revision of the category update. */
  categoryTitle(updateId: string): string | undefined;
  /** What the installation does to the host: the strongest of the unit and its leaves. */
  rebootOf(update: CatalogUpdate): RebootBehavior | undefined;
}

const rebootRank: Readonly<Record<RebootBehavior, number>> = { never: 0, can: 1, always: 2 };

export function queryCatalog(catalog: Catalog): CatalogQueries {
  const units: CatalogUpdate[] = [];
  const leaves = new Map<number, CatalogUpdate[]>();
  const older = new Map<number, CatalogUpdate[]>();
  const categories = new Map<string, CatalogUpdate>();
  const append = (lists: Map<number, CatalogUpdate[]>, revisionId: number, update: CatalogUpdate): void => {
    const list = lists.get(revisionId);
    if (list === undefined) lists.set(revisionId, [update]);
    else list.push(update);
  };
  for (const update of catalog.updates.values()) {
    if (update.action === 'install') units.push(update);
    for (const bundle of update.bundledBy) append(leaves, bundle, update);
    for (const newer of update.supersededBy) append(older, newer, update);
    if (update.action === 'evaluate' && update.title !== undefined) {
      const known = categories.get(update.updateId);
      if (known === undefined || update.revision > known.revision) categories.set(update.updateId, update);
    }
  }
  const leavesOf = (unit: CatalogUpdate): readonly CatalogUpdate[] => leaves.get(unit.revisionId) ?? [];
  return {
    units: () => units,
    leavesOf,
    filesOf: (update) => {
      const digests = new Set([update, ...leavesOf(update)].flatMap((part) => part.payload));
      return [...digests].map((sha1) => catalog.files.get(sha1) ?? { sha1 });
    },
    supersedes: (update) => older.get(update.revisionId) ?? [],
    supersededBy: (update) => update.supersededBy.flatMap((revisionId) => catalog.updates.get(revisionId) ?? []),
    categoryTitle: (updateId) => categories.get(updateId)?.title,
    rebootOf: (update) =>
      [update, ...leavesOf(update)]
        .flatMap((part) => part.reboot ?? [])
        .toSorted((a, b) => rebootRank[b] - rebootRank[a])[0],
  };
}
