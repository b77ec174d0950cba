import type {
  Catalog,
  CatalogGap,
  CatalogUpdate,
  DeploymentAction,
  PayloadFile,
  RebootBehavior,
  Severity,
  UpdateIdentity,
  UpdateType,
} from './model.ts';
import { type Publishable, publishable } from './publishable.ts';
import type { CatalogQueries } from './queries.ts';

/** The JSON that `kbroker index inspect --json` prints: for people and scripts, with every reference resolved. */
export interface CatalogView extends CatalogHead {
  readonly updates: readonly UpdateView[];
}

/** What is known of the file that the catalogue was read from. */
export interface IndexFileFacts {
  /** Hex, of the whole file. */
  readonly sha256: string;
  readonly bytes: number;
  readonly layout: string;
  /** Members that were met, those of inner cabinets included. */
  readonly members: number;
  /** Members of directories that are not known, passed over. */
  readonly skipped: readonly { readonly name: string; readonly members: number }[];
}

export interface CatalogHead extends IndexFileFacts {
  readonly version: 1;
  readonly packageId?: string;
  readonly createdAt?: string;
  readonly counts: CatalogCounts;
  readonly gaps: readonly CatalogGap[];
  /** Whether the broker would publish it. */
  readonly publishable: Publishable;
}

interface CatalogCounts {
  readonly updates: number;
  /** Updates that are installed by themselves. */
  readonly units: number;
  /** Payload parts of bundles. */
  readonly leaves: number;
  /** Categories and detectoids. */
  readonly evaluated: number;
  readonly files: number;
  /** Sum of the sizes that the index gives. */
  readonly payloadBytes: number;
}

interface CategoryView {
  readonly id: string;
  readonly title?: string;
}

interface UpdateReference extends UpdateIdentity {
  readonly kbs: readonly string[];
}

export interface UpdateView extends UpdateIdentity {
  readonly revisionId: number;
  readonly type: UpdateType;
  readonly action: DeploymentAction;
  readonly isBundle: boolean;
  readonly createdAt: string;
  readonly title?: string;
  readonly kbs: readonly string[];
  readonly severity?: Severity;
  readonly classification?: CategoryView;
  readonly products: readonly CategoryView[];
  readonly families: readonly CategoryView[];
  readonly supersededBy: readonly UpdateReference[];
  readonly supersedes: readonly UpdateReference[];
  readonly bundledBy: readonly UpdateReference[];
  readonly bulletins: readonly string[];
  readonly cves: readonly string[];
  readonly reboot?: RebootBehavior;
  /** Files of the update and, when it is a bundle, of its leaves. */
  readonly files: readonly PayloadFile[];
}

/** Everything but the updates. */
export function viewHead(catalog: Catalog, file: IndexFileFacts): CatalogHead {
  const withAction: Record<DeploymentAction, number> = { install: 0, bundle: 0, evaluate: 0 };
  for (const { action } of catalog.updates.values()) withAction[action] += 1;
  let payloadBytes = 0;
  for (const { size } of catalog.files.values()) payloadBytes += size ?? 0;
  return {
    version: 1,
    ...file,
    ...(catalog.packageId === undefined ? {} : { packageId: catalog.packageId }),
    ...(catalog.createdAt === undefined ? {} : { createdAt: catalog.createdAt }),
    counts: {
      updates: catalog.updates.size,
      units: withAction.install,
      leaves: withAction.bundle,
      evaluated: withAction.evaluate,
      files: catalog.files.size,
      payloadBytes,
    },
    gaps: catalog.gaps,
    publishable: publishable(catalog),
  };
}

/** One update with titles in place of ids and identities in place of RevisionIds. */
export function viewUpdate(catalog: Catalog, queries: CatalogQueries, update: CatalogUpdate): UpdateView {
  const { title, severity, categories } = update;
  const reboot = queries.rebootOf(update);
  const category = (id: string): CategoryView => {
    const name = queries.categoryTitle(id);
    return name === undefined ? { id } : { id, title: name };
  };
  return {
    updateId: update.updateId,
    revision: update.revision,
    revisionId: update.revisionId,
    type: update.type,
    action: update.action,
    isBundle: update.isBundle,
    createdAt: update.createdAt,
    ...(title === undefined ? {} : { title }),
    kbs: update.kbs,
    ...(severity === undefined ? {} : { severity }),
    ...(categories.classification === undefined ? {} : { classification: category(categories.classification) }),
    products: categories.products.map(category),
    families: categories.families.map(category),
    supersededBy: queries.supersededBy(update).map(reference),
    supersedes: queries.supersedes(update).map(reference),
    bundledBy: update.bundledBy.flatMap((revisionId) => catalog.updates.get(revisionId) ?? []).map(reference),
    bulletins: update.bulletins,
    cves: update.cves,
    ...(reboot === undefined ? {} : { reboot }),
    files: queries.filesOf(update),
  };
}

const reference = ({ updateId, revision, kbs }: CatalogUpdate): UpdateReference => ({ updateId, revision, kbs });
