import { compileRules, judge, type Rules } from '../rules/judge.ts';
import type { Judged, RulePackage, Verdict } from '../rules/model.ts';
import { switchedOffInWords } from '../rules/words.ts';
import type { UpdateName } from './model.ts';
import { countHostsNeeding, type FleetPart, type Needs } from './needed-updates.ts';
import { FirstRows } from './rows.ts';

/** The packages that count on a part of the fleet, before and after a change. */
export interface PackagesOfPart {
  readonly before: readonly RulePackage[];
  readonly after: readonly RulePackage[];
}

/** A verdict, and whether hosts that it counts on heed it. */
interface VerdictOnHosts extends Verdict {
  /** Why nothing is installed there whatever is allowed; absent when that is not so. */
  readonly switchedOff?: string;
}

/** A verdict that a change of the rules changes, on one part of the fleet. */
export interface ImpactChange {
  readonly update: UpdateName;
  readonly group: string;
  readonly machineId?: string;
  readonly hosts: number;
  readonly before: VerdictOnHosts;
  readonly after: VerdictOnHosts;
}

/** Parts of the fleet on which the same changes. */
interface PartsAlike extends PackagesOfPart {
  readonly parts: Set<number>;
  /** Places of all updates that one of the parts needs. */
  readonly updates: Set<number>;
}

/** What a change of the rules has to be judged on: nothing of parts whose packages stay as they are. */
export interface ImpactScope {
  readonly needs: Needs;
  readonly alike: readonly PartsAlike[];
  /** UpdateIds whose facts are needed. */
  readonly updateIds: ReadonlySet<string>;
}

/**
 * Finds the parts of a fleet that a change of the rules can touch.
 *
 * @param packagesOf names alike parts by the same `key`; `undefined` for a part whose packages stay as they are
 */
export function scopeOfChange(
  needs: Needs,
  packagesOf: (part: FleetPart) => (PackagesOfPart & { readonly key: string }) | undefined,
): ImpactScope {
  const byKey = new Map<string, PartsAlike>();
  for (const [place, part] of needs.parts.entries()) {
    if (part.needs.size === 0) continue;
    const packages = packagesOf(part);
    if (packages === undefined) continue;
    let alike = byKey.get(packages.key);
    if (alike === undefined) {
      alike = { before: packages.before, after: packages.after, parts: new Set(), updates: new Set() };
      byKey.set(packages.key, alike);
    }
    alike.parts.add(place);
    for (const update of part.needs.keys()) alike.updates.add(update);
  }
  const alike = [...byKey.values()];
  const updateIds = new Set<string>();
  for (const { updates } of alike)
    for (const update of updates) {
      const name = needs.updates[update];
      if (name !== undefined) updateIds.add(name.updateId);
    }
  return { needs, alike, updateIds };
}

/** Verdicts that differ, by the place of the update. */
type Differences = ReadonlyMap<number, { readonly before: VerdictOnHosts; readonly after: VerdictOnHosts }>;

/**
 * Judges what the fleet needs by the rules as they are and as they would be. A verdict changes when its decision, its step or
 * the moment at which it changes by itself does, or when hosts that are switched on or off begin or cease to heed it; another
 * rule that decides the same is no change.
 *
 * @param judgedOf an update as rules look at it; `undefined` when not enough is known of it
 * @param limit changes in the list, those with most hosts first, then by update, group and host
 */
export function impactOf(
  { needs, alike }: ImpactScope,
  { judgedOf, now, limit }: { judgedOf: (update: UpdateName) => Judged | undefined; now: Date; limit: number },
): {
  readonly changes: readonly ImpactChange[];
  readonly total: number;
  readonly hosts: number;
  readonly unknown: number;
} {
  const differences: (Differences | undefined)[] = needs.parts.map(() => undefined);
  const unknown = new Set<number>();
  const rows = new FirstRows<ImpactChange>(limit, false, undefined);
  for (const { before, after, parts, updates } of alike) {
    const rules = { before: compileRules(before), after: compileRules(after) };
    const found = differencesOf(rules, updates, now, (place) => {
      const name = needs.updates[place];
      const judged = name && judgedOf(name);
      if (judged === undefined) unknown.add(place);
      return judged;
    });
    if (found.size === 0) continue;
    for (const place of parts) {
      differences[place] = found;
      const part = needs.parts[place];
      if (part !== undefined) offerChanges(rows, needs, part, found);
    }
  }
  const { total, found } = rows.finish();
  const hosts = total === 0 ? 0 : countHostsNeeding(needs, (part, update) => differences[part]?.has(update) === true);
  return { changes: found, total, hosts, unknown: unknown.size };
}

function differencesOf(
  rules: { readonly before: Rules; readonly after: Rules },
  updates: Iterable<number>,
  now: Date,
  judgedAt: (place: number) => Judged | undefined,
): Differences {
  const found = new Map<number, { before: VerdictOnHosts; after: VerdictOnHosts }>();
  const judgeBefore = judgeOnHosts(rules.before, now);
  const judgeAfter = judgeOnHosts(rules.after, now);
  for (const place of updates) {
    const judged = judgedAt(place);
    if (judged === undefined) continue;
    const [before, after] = [judgeBefore(judged), judgeAfter(judged)];
    if (isInstalled(before) !== isInstalled(after) || before.code !== after.code || before.until !== after.until)
      found.set(place, { before, after });
  }
  return found;
}

function judgeOnHosts(rules: Rules, now: Date): (update: Judged) => VerdictOnHosts {
  const switchedOff = switchedOffInWords(rules.settings);
  return (update) => ({ ...judge(rules, update, now), ...(switchedOff !== undefined && { switchedOff }) });
}

const isInstalled = ({ allowed, switchedOff }: VerdictOnHosts): boolean => allowed && switchedOff === undefined;

function offerChanges(rows: FirstRows<ImpactChange>, needs: Needs, part: FleetPart, differences: Differences): void {
  const { group, machineId } = part;
  const at = machineId === undefined ? group : `${group} ${machineId}`;
  for (const [place, hosts] of part.needs) {
    const [verdicts, update] = [differences.get(place), needs.updates[place]];
    if (verdicts === undefined || update === undefined) continue;
    const key = `${update.updateId}_${String(update.revision).padStart(10, '0')} ${at}`;
    rows.offer(-hosts, key, { update, group, ...(machineId !== undefined && { machineId }), hosts, ...verdicts });
  }
}
