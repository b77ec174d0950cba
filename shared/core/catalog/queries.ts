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

/** Installing several parts does to a host what the strongest of them does. */
export const strongestReboot = (
  parts: readonly { readonly reboot?: RebootBehavior | undefined }[],
): RebootBehavior | undefined =>
  parts.flatMap(({ reboot }) => reboot ?? []).toSorted((a, b) => rebootRank[b] - rebootRank[a])[0];

/** Goes through the catalogue once, and keeps RevisionIds only: updates are made when they are asked for. */
export function queryCatalog(catalog: Catalog): CatalogQueries {
  const units: number[] = [];
  const leaves = new Map<number, number[]>();
  const older = new Map<number, number[]>();
  const categories = new Map<string, { readonly revision: number; readonly title: string }>();
  const append = (lists: Map<number, number[]>, revisionId: number, update: CatalogUpdate): void => {
    const list = lists.get(revisionId);
    if (list === undefined) lists.set(revisionId, [update.revisionId]);
    else list.push(update.revisionId);
  };
  for (const update of catalog.updates.values()) {
    const { updateId, revision, title } = update;
    if (update.action === 'install') units.push(update.revisionId);
    for (const bundle of update.bundledBy) append(leaves, bundle, update);
    for (const newer of update.supersededBy) append(older, newer, update);
    if (update.action !== 'evaluate' || title === undefined) continue;
    const known = categories.get(updateId);
    if (known === undefined || revision > known.revision) categories.set(updateId, { revision, title });
  }
  const resolve = (revisionIds: readonly number[] | undefined): readonly CatalogUpdate[] =>
    (revisionIds ?? []).flatMap((revisionId) => catalog.updates.get(revisionId) ?? []);
  const leavesOf = (unit: CatalogUpdate): readonly CatalogUpdate[] => resolve(leaves.get(unit.revisionId));
  return {
    units: () => resolve(units),
    leavesOf,
    filesOf: (update) => {
      const digests = new Set([update, ...leavesOf(update)].flatMap((part) => part.payload));
      return [...digests].map((sha1) => catalog.files.get(sha1) ?? { sha1 });
    },
    supersedes: (update) => resolve(older.get(update.revisionId)),
    supersededBy: (update) => resolve(update.supersededBy),
    categoryTitle: (updateId) => categories.get(updateId)?.title,
    rebootOf: (update) => strongestReboot([update, ...leavesOf(update)]),
  };
}
