import {
  type Applicability,
  conjunction,
  decided,
  disjunction,
  evaluateApplicability,
  type UnknownFact,
} from './applicability/evaluate.ts';
import { HostFacts } from './applicability/host-facts.ts';
import type { HostState } from './applicability/host-state.ts';
import type { RuleLookup } from './applicability/model.ts';
import type { Catalog, CatalogUpdate, PayloadFile, RebootBehavior, Severity, UpdateIdentity } from './model.ts';
import { Prerequisites } from './prerequisites.ts';
import { strongestReboot } from './queries.ts';
import { findSuperseders } from './supersedence.ts';
import type { TitledCategory } from './unit-facts.ts';

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
  /** With their English titles, where the index has them. */
  readonly products: readonly TitledCategory[];
  readonly classification?: TitledCategory;
  /** Sum of the sizes of all files of the unit, also of parts that do not apply here; absent when one is not known. */
  readonly bytes?: number;
  /**
   * UpdateIds of newer units that replace it, directly or through others, and that are needed or installed on this
   * host. Updates that replace each other in a circle do not count.
   */
  readonly supersededBy: readonly string[];
}

/** Operators that kept verdicts open, most frequent first. */
interface UnknownOperator {
  /** Name in the fragments, for instance `b.WmiQuery`. */
  readonly operator: string;
  /** Units whose verdict it kept open. */
  readonly updates: number;
  /** Up to {@link MAX_EXAMPLES} of what was not known. */
  readonly examples: readonly string[];
}

/** What a scan could not decide. */
export interface ScanUnknowns {
  /** Units of which it is not known whether they are needed; they are not offered. */
  readonly updates: number;
  readonly operators: readonly UnknownOperator[];
}

/** Result of a scan. Both lists are ordered by creation, oldest first. */
export interface HostScan {
  readonly needed: readonly NeededUpdate[];
  readonly installed: readonly ScannedUpdate[];
  /** Absent when who scanned cannot tell (the Windows Update Agent does not). */
  readonly unknown?: ScanUnknowns;
}

const MAX_EXAMPLES = 3;

/**
 * Scans a host as the Windows Update Agent would: which units of the publication are needed, and which are installed. A
 * unit needs its prerequisites, and a bundle at least one part that is needed: not installed, not superseded, installable,
 * with prerequisites of its own. Of several revisions of one update the newest counts.
 *
 * Rules are evaluated only where the prerequisites may hold. A unit whose verdict is not known is in neither list; the
 * operators that would decide it are counted.
 *
 * @param rules of the same publication
 */
export function scanHost(catalog: Catalog, rules: RuleLookup, state: HostState): HostScan {
  const facts = new HostFacts(state);
  const { newest, units, named, leavesOf } = survey(catalog);
  const prerequisites = new Prerequisites(newest, named, rules, facts);
  const partVerdict = (update: CatalogUpdate): Applicability => {
    const allowed = prerequisites.verdict(update.prerequisites);
    if (allowed.value === false) return { installed: decided(false), needed: decided(false) };
    if (facts.installedUpdates.has(update.updateId)) return { installed: allowed, needed: decided(false) };
    const { installed, needed } = evaluateApplicability(rules.get(update.revisionId) ?? {}, facts);
    return { installed: conjunction([allowed, installed]), needed: conjunction([allowed, needed]) };
  };

  const installed: CatalogUpdate[] = [];
  const needed: { unit: CatalogUpdate; parts: readonly CatalogUpdate[]; leaves: readonly CatalogUpdate[] }[] = [];
  const unknown = new UnknownTally();
  for (const unit of units) {
    if (facts.installedUpdates.has(unit.updateId)) {
      installed.push(unit);
      continue;
    }
    const allowed = prerequisites.verdict(unit.prerequisites);
    if (allowed.value === false) continue;
    const leaves = leavesOf.get(unit.revisionId) ?? [];
    const parts = unit.isBundle || leaves.length > 0 ? leaves : [unit];
    const verdicts = parts.map(partVerdict);
    const need = conjunction([allowed, disjunction(verdicts.map((verdict) => verdict.needed))]);
    if (need.value === true) {
      const applicable = leaves.filter((_, at) => verdicts[at]?.needed.value === true);
      needed.push({ unit, parts: [unit, ...leaves], leaves: applicable });
    } else if (need.value === undefined) {
      unknown.add(need.unknown);
    } else if (allowed.value === true && verdicts.some((verdict) => verdict.installed.value === true)) {
      installed.push(unit);
    }
  }

  const ordered = needed.toSorted((a, b) => byCreation(a.unit, b.unit));
  const superseders = findSuperseders(
    ordered.map(({ unit }) => unit.updateId),
    directSuperseders(catalog, newest),
    [...ordered.map(({ unit }) => unit), ...installed].map((unit) => unit.updateId).toSorted(),
  );
  return {
    needed: ordered.map(({ unit, parts, leaves }) => ({
      ...describe(unit),
      ...describeUnit(catalog, newest, unit, parts),
      leaves: leaves.map(({ updateId, revision }) => ({ updateId, revision })),
      files: filesOf(catalog, [unit, ...leaves]),
      supersededBy: superseders.get(unit.updateId) ?? [],
    })),
    installed: installed.toSorted(byCreation).map(describe),
    unknown: unknown.result(),
  };
}

/** Counts each operator once per unit. */
class UnknownTally {
  private updates = 0;
  private readonly operators = new Map<string, { updates: number; readonly examples: Set<string> }>();

  add(facts: readonly UnknownFact[]): void {
    this.updates += 1;
    const counted = new Set<string>();
    for (const { operator, about } of facts) {
      const entry = this.operators.get(operator) ?? { updates: 0, examples: new Set() };
      this.operators.set(operator, entry);
      if (!counted.has(operator)) entry.updates += 1;
      counted.add(operator);
      if (entry.examples.size < MAX_EXAMPLES) entry.examples.add(about);
    }
  }

  result(): ScanUnknowns {
    const operators = [...this.operators].map(([operator, { updates, examples }]) => ({
      operator,
      updates,
      examples: [...examples],
    }));
    return { updates: this.updates, operators: operators.sort((a, b) => b.updates - a.updates) };
  }
}

/** What a scan needs of the catalogue, gathered in one pass: its updates are made when they are asked for. */
interface Survey {
  readonly newest: ReadonlyMap<string, CatalogUpdate>;
  /** Newest revisions of updates that are installed by themselves. */
  readonly units: readonly CatalogUpdate[];
  /** Ids that prerequisites name. */
  readonly named: ReadonlySet<string>;
  /** By the RevisionId of the bundle; of two revisions of a leaf in one bundle the newer. */
  readonly leavesOf: ReadonlyMap<number, readonly CatalogUpdate[]>;
}

function survey(catalog: Catalog): Survey {
  const newest = new Map<string, CatalogUpdate>();
  const named = new Set<string>();
  const bundles = new Map<number, CatalogUpdate[]>();
  for (const update of catalog.updates.values()) {
    const known = newest.get(update.updateId);
    if (known === undefined || isNewer(update, known)) newest.set(update.updateId, update);
    for (const clause of update.prerequisites) for (const id of clause) named.add(id);
    for (const bundle of update.bundledBy) {
      const leaves = bundles.get(bundle);
      if (leaves === undefined) bundles.set(bundle, [update]);
      else addNewer(leaves, update);
    }
  }
  const units = [...newest.values()].filter((update) => update.type === 'software' && update.action === 'install');
  return { newest, units, named, leavesOf: bundles };
}

function addNewer(leaves: CatalogUpdate[], update: CatalogUpdate): void {
  const at = leaves.findIndex(({ updateId }) => updateId === update.updateId);
  const known = leaves[at];
  if (known === undefined) leaves.push(update);
  else if (isNewer(update, known)) leaves[at] = update;
}

const isNewer = (a: CatalogUpdate, b: CatalogUpdate): boolean =>
  a.revision > b.revision || (a.revision === b.revision && a.revisionId > b.revisionId);

const byCreation = (a: CatalogUpdate, b: CatalogUpdate): number =>
  a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : a.revisionId - b.revisionId;

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

/** What only rules ask of a unit; the same values as its facts (unit-facts.ts), so that broker and agent judge alike. */
function describeUnit(
  catalog: Catalog,
  newest: ReadonlyMap<string, CatalogUpdate>,
  unit: CatalogUpdate,
  parts: readonly CatalogUpdate[],
): Pick<NeededUpdate, 'products' | 'classification' | 'bytes' | 'reboot'> {
  const titled = (id: string): TitledCategory => {
    const title = newest.get(id)?.title;
    return title === undefined ? { id } : { id, title };
  };
  const { products, classification } = unit.categories;
  const sizes = filesOf(catalog, parts).map(({ size }) => size ?? Number.NaN);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const reboot = strongestReboot(parts);
  return {
    products: products.map(titled),
    ...(classification === undefined ? {} : { classification: titled(classification) }),
    ...(Number.isNaN(bytes) ? {} : { bytes }),
    ...(reboot === undefined ? {} : { reboot }),
  };
}
