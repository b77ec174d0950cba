import { mergeFile } from './diff-facts.ts';
import type {
  Catalog,
  CatalogUpdate,
  DeploymentAction,
  Lookup,
  PayloadFile,
  Severity,
  UpdateIdentity,
} from './model.ts';

/** One update of a difference, by its stable identity. */
export interface DiffedUpdate extends UpdateIdentity {
  readonly action: DeploymentAction;
  /** ISO 8601, as in the index. */
  readonly createdAt: string;
  readonly kbs: readonly string[];
  readonly title?: string;
  readonly severity?: Severity;
}

/**
 * What a later publication brought. An update counts with its newest revision. References between updates are compared
 * by UpdateId, so that neither new RevisionIds nor a revised superseder make news of an update.
 */
export interface CatalogDiff {
  /** UpdateIds that the earlier publication lacks. */
  readonly added: readonly DiffedUpdate[];
  /** The same UpdateId in another revision. */
  readonly revised: readonly (DiffedUpdate & { readonly fromRevision: number })[];
  /** UpdateIds that the later publication lacks, as the earlier one has them. */
  readonly withdrawn: readonly DiffedUpdate[];
  /** The same identity with other facts, which are named as the fields of `CatalogUpdate` are. */
  readonly changed: readonly (DiffedUpdate & { readonly facts: readonly string[] })[];
  /** Units of both publications that nothing superseded in the earlier one. `by`: UpdateIds. */
  readonly superseded: readonly (DiffedUpdate & { readonly by: readonly string[] })[];
  /** How many updates of both publications have another RevisionId. That is no news. */
  readonly renumbered: number;
  readonly files: {
    readonly added: readonly PayloadFile[];
    readonly changed: readonly { readonly before: PayloadFile; readonly after: PayloadFile }[];
    readonly gone: readonly PayloadFile[];
  };
}

/** Compares two publications: `after` is the later one. */
export function diffCatalogs(before: Catalog, after: Catalog): CatalogDiff {
  const earlier = newestOf(before);
  const later = newestOf(after);
  const added: DiffedUpdate[] = [];
  const revised: CatalogDiff['revised'][number][] = [];
  const withdrawn: DiffedUpdate[] = [];
  const changed: CatalogDiff['changed'][number][] = [];
  const superseded: CatalogDiff['superseded'][number][] = [];
  let renumbered = 0;
  for (const [updateId, revisionId] of later.byUpdateId) {
    const update = after.updates.get(revisionId);
    if (update === undefined) continue;
    const earlierId = earlier.byUpdateId.get(updateId);
    const known = earlierId === undefined ? undefined : before.updates.get(earlierId);
    if (known === undefined) {
      added.push(diffed(update));
      continue;
    }
    if (known.revision !== update.revision) revised.push({ ...diffed(update), fromRevision: known.revision });
    else {
      const facts = differingFacts(earlier.stable(known), later.stable(update));
      if (facts.length > 0) changed.push({ ...diffed(update), facts });
    }
    if (known.revisionId !== update.revisionId) renumbered += 1;
    if (update.action === 'install' && known.supersededBy.length === 0 && update.supersededBy.length > 0)
      superseded.push({ ...diffed(update), by: later.updateIds(update.supersededBy) });
  }
  for (const [updateId, revisionId] of earlier.byUpdateId) {
    if (later.byUpdateId.has(updateId)) continue;
    const update = before.updates.get(revisionId);
    if (update !== undefined) withdrawn.push(diffed(update));
  }
  return { added, revised, withdrawn, changed, superseded, renumbered, files: diffFiles(before.files, after.files) };
}

/** Whether the publications say the same, RevisionIds aside. */
export const isSame = ({ added, revised, withdrawn, changed, files }: CatalogDiff): boolean =>
  [added, revised, withdrawn, changed, files.added, files.changed, files.gone].every(({ length }) => length === 0);

const diffed = ({ updateId, revision, action, createdAt, kbs, title, severity }: CatalogUpdate): DiffedUpdate => ({
  updateId,
  revision,
  action,
  createdAt,
  kbs,
  ...(title !== undefined && { title }),
  ...(severity !== undefined && { severity }),
});

type StableFacts = ReadonlyMap<string, string>;

interface Newest {
  /** RevisionId of the newest revision of each UpdateId. */
  readonly byUpdateId: ReadonlyMap<string, number>;
  /** UpdateIds in one order, each once. */
  updateIds(revisionIds: readonly number[]): readonly string[];
  /** All that an update says, without RevisionIds, each fact as JSON. */
  stable(update: CatalogUpdate): StableFacts;
}

function newestOf({ updates }: Catalog): Newest {
  const byUpdateId = new Map<string, number>();
  const revisions = new Map<string, number>();
  const ids = new Map<number, string>();
  for (const { updateId, revision, revisionId } of updates.values()) {
    ids.set(revisionId, updateId);
    if (revision < (revisions.get(updateId) ?? 0)) continue;
    revisions.set(updateId, revision);
    byUpdateId.set(updateId, revisionId);
  }
  const updateIds = (revisionIds: readonly number[]): readonly string[] =>
    [...new Set(revisionIds.flatMap((revisionId) => ids.get(revisionId) ?? []))].sort();
  return {
    byUpdateId,
    updateIds,
    stable: ({ updateId: _, revision: __, revisionId: ___, bundledBy, supersededBy, ...facts }) =>
      new Map(
        Object.entries({ ...facts, bundledBy: updateIds(bundledBy), supersededBy: updateIds(supersededBy) }).map(
          ([name, value]) => [name, JSON.stringify(value)],
        ),
      ),
  };
}

/** Names of the facts, sorted. */
function differingFacts(a: StableFacts, b: StableFacts): readonly string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name)).sort();
}

function diffFiles(before: Lookup<string, PayloadFile>, after: Lookup<string, PayloadFile>): CatalogDiff['files'] {
  const added: PayloadFile[] = [];
  const changed: { before: PayloadFile; after: PayloadFile }[] = [];
  const gone: PayloadFile[] = [];
  for (const [sha1, file] of after) {
    const known = before.get(sha1);
    if (known === undefined) added.push(file);
    else if (mergeFile(known, file) !== undefined || mergeFile(file, known) !== undefined)
      changed.push({ before: known, after: file });
  }
  for (const [sha1, file] of before) if (!after.has(sha1)) gone.push(file);
  return { added, changed, gone };
}
