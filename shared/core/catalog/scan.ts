import type {
  Catalog,
  CatalogUpdate,
  CbsParent,
  PayloadFile,
  RebootBehavior,
  Severity,
  UpdateIdentity,
} from './model.ts';
import { findSuperseders } from './supersedence.ts';

/** A package of component-based servicing that a host has. */
export interface CbsPackage {
  readonly name: string;
  /** Four-part version, for instance `6.1.7601.17514`. */
  readonly version: string;
  /** amd64, x86 or arm64. */
  readonly architecture: string;
}

/**
 * What a simulated host declares about itself, because applicability rules (registry, files, WMI …) are not evaluated:
 * the detectoids and categories that hold on it, its CBS packages, and the updates that are installed. Ids are UpdateIds.
 */
export interface HostFixture {
  readonly detectoids: readonly string[];
  readonly cbsPackages: readonly CbsPackage[];
  readonly installed: readonly string[];
}

/** What a scan says of one unit, whatever scanned. */
export interface ScannedUpdate extends UpdateIdentity {
  readonly title?: string;
  /** KB numbers, digits only. */
  readonly kbs: readonly string[];
  readonly severity?: Severity;
  readonly reboot?: RebootBehavior;
  /** ISO 8601, as in the index. */
  readonly createdAt: string;
}

/** A unit that applies to the host and is not installed. */
export interface NeededUpdate extends ScannedUpdate {
  /** Parts of the bundle that apply and are not installed; empty for an update that is no bundle. */
  readonly leaves: readonly UpdateIdentity[];
  /** Payload files of these parts (and of the unit itself), each once. Only `sha1` is sure to be there. */
  readonly files: readonly PayloadFile[];
  /**
   * UpdateIds of newer units that replace it, directly or through others, and that are needed or installed on this
   * host. Updates that replace each other in a circle do not count.
   */
  readonly supersededBy: readonly string[];
}

/** Result of a scan. Both lists are ordered by creation, oldest first. */
export interface HostScan {
  readonly needed: readonly NeededUpdate[];
  readonly installed: readonly ScannedUpdate[];
}

/**
 * Scans a host as the Windows Update Agent would: which units of the publication apply and are not installed, and which
 * are installed. Of several revisions of one update the newest counts. Updates without a core fragment (type `unknown`)
 * are never offered, because nothing is known of their applicability.
 */
export function scanHost(catalog: Catalog, host: HostFixture): HostScan {
  const newest = newestRevisions(catalog);
  const installedIds = new Set(host.installed);
  const holding = evaluatePrerequisites(newest, new Set([...host.detectoids, ...host.installed]));
  const applies = (update: CatalogUpdate): boolean =>
    update.type === 'software' &&
    update.prerequisites.every((clause) => clause.some((id) => holding.has(id))) &&
    (update.cbsParents.length === 0 ||
      update.cbsParents.some((parent) => host.cbsPackages.some((present) => matchesParent(present, parent))));
  const leavesOf = leavesByBundle(catalog);

  const installed: CatalogUpdate[] = [];
  const needed: { unit: CatalogUpdate; leaves: CatalogUpdate[] }[] = [];
  for (const unit of newest.values()) {
    if (unit.type !== 'software' || unit.action !== 'install') continue;
    if (installedIds.has(unit.updateId)) {
      installed.push(unit);
      continue;
    }
    if (!applies(unit)) continue;
    const leaves = leavesOf.get(unit.revisionId) ?? [];
    const applicable = leaves.filter(applies);
    if (leaves.length > 0 && applicable.length === 0) continue;
    const open = applicable.filter((leaf) => !installedIds.has(leaf.updateId));
    if (leaves.length > 0 && open.length === 0) installed.push(unit);
    else needed.push({ unit, leaves: open });
  }

  const units = needed.toSorted((a, b) => byCreation(a.unit, b.unit));
  const superseders = findSuperseders(
    units.map(({ unit }) => unit.updateId),
    directSuperseders(catalog, newest),
    [...units.map(({ unit }) => unit), ...installed].map((unit) => unit.updateId).toSorted(),
  );
  return {
    needed: units.map(({ unit, leaves }) => ({
      ...describe(unit),
      leaves: leaves.map(({ updateId, revision }) => ({ updateId, revision })),
      files: filesOf(catalog, [unit, ...leaves]),
      supersededBy: superseders.get(unit.updateId) ?? [],
    })),
    installed: installed.toSorted(byCreation).map(describe),
  };
}

/** Whether a package of the host is the parent that a manifest asks for. */
export function matchesParent(present: CbsPackage, parent: CbsParent): boolean {
  if (present.name.toLowerCase() !== parent.name.toLowerCase()) return false;
  if (present.architecture.toLowerCase() !== parent.architecture.toLowerCase()) return false;
  const has = versionParts(present.version);
  const wants = versionParts(parent.version);
  if (has === undefined || wants === undefined) return false;
  const [major, minor, build, revision] = has;
  const [wantedMajor, wantedMinor, wantedBuild, wantedRevision] = wants;
  return (
    major === wantedMajor &&
    minor === wantedMinor &&
    (parent.buildCompare === 'EQ' ? build === wantedBuild : build >= wantedBuild) &&
    // A newer build counts its revisions anew, so "at least" is met by it whatever its revision.
    (parent.serviceCompare === 'EQ' ? revision === wantedRevision : build > wantedBuild || revision >= wantedRevision)
  );
}

function versionParts(version: string): readonly [number, number, number, number] | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(version);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])] : undefined;
}

function newestRevisions(catalog: Catalog): ReadonlyMap<string, CatalogUpdate> {
  const newest = new Map<string, CatalogUpdate>();
  for (const update of catalog.updates.values()) {
    const known = newest.get(update.updateId);
    if (known === undefined || isNewer(update, known)) newest.set(update.updateId, update);
  }
  return newest;
}

const isNewer = (a: CatalogUpdate, b: CatalogUpdate): boolean =>
  a.revision > b.revision || (a.revision === b.revision && a.revisionId > b.revisionId);

const byCreation = (a: CatalogUpdate, b: CatalogUpdate): number =>
  a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : a.revisionId - b.revisionId;

/**
 * UpdateIds that hold on the host: what it declares, and every category or detectoid that is always true once its own
 * prerequisites hold. This is the least fixed point, found by passing on each new truth to those who wait for it, so
 * that circles end and depth does not matter.
 */
function evaluatePrerequisites(
  newest: ReadonlyMap<string, CatalogUpdate>,
  declared: ReadonlySet<string>,
): ReadonlySet<string> {
  const holding = new Set<string>();
  const waiting = new Map<string, CatalogUpdate[]>();
  const ready: string[] = [...declared];
  const check = (update: CatalogUpdate): void => {
    if (update.prerequisites.every((clause) => clause.some((id) => holding.has(id)))) ready.push(update.updateId);
  };
  for (const update of newest.values()) {
    if (!update.alwaysInstalled || update.type === 'software' || update.type === 'unknown') continue;
    for (const id of new Set(update.prerequisites.flat())) {
      const list = waiting.get(id);
      if (list) list.push(update);
      else waiting.set(id, [update]);
    }
    check(update);
  }
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    if (holding.has(id)) continue;
    holding.add(id);
    for (const update of waiting.get(id) ?? []) check(update);
  }
  return holding;
}

/** Leaves by the RevisionId of the bundle that carries them; of two revisions of a leaf in one bundle the newer. */
function leavesByBundle(catalog: Catalog): ReadonlyMap<number, readonly CatalogUpdate[]> {
  const bundles = new Map<number, Map<string, CatalogUpdate>>();
  for (const update of catalog.updates.values()) {
    for (const bundle of update.bundledBy) {
      const leaves = bundles.get(bundle) ?? new Map<string, CatalogUpdate>();
      const known = leaves.get(update.updateId);
      if (known === undefined || isNewer(update, known)) leaves.set(update.updateId, update);
      bundles.set(bundle, leaves);
    }
  }
  return new Map([...bundles].map(([bundle, leaves]) => [bundle, [...leaves.values()]]));
}

/** UpdateIds that replace an update directly, of updates that the publication has. */
function directSuperseders(
  catalog: Catalog,
  newest: ReadonlyMap<string, CatalogUpdate>,
): (updateId: string) => readonly string[] {
  return (updateId) =>
    (newest.get(updateId)?.supersededBy ?? []).flatMap((revisionId) => catalog.updates.get(revisionId)?.updateId ?? []);
}

function filesOf(catalog: Catalog, updates: readonly CatalogUpdate[]): readonly PayloadFile[] {
  const digests = new Set(updates.flatMap((update) => update.payload));
  return [...digests].map((sha1) => catalog.files.get(sha1) ?? { sha1 });
}

function describe(update: CatalogUpdate): ScannedUpdate {
  const { updateId, revision, title, kbs, severity, reboot, createdAt } = update;
  return {
    updateId,
    revision,
    kbs,
    createdAt,
    ...(title === undefined ? {} : { title }),
    ...(severity === undefined ? {} : { severity }),
    ...(reboot === undefined ? {} : { reboot }),
  };
}
