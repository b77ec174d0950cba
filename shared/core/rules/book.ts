import type { Severity } from '../catalog/model.ts';
import { type CompiledRule, compileRule, type Drawer } from './match.ts';
import type { RulePackage } from './model.ts';
import { type UnitedWaptLists, uniteWapt } from './wapt.ts';

/** What the packages of a host say together, in their order and filed for judging. Made by {@link compileRules}. */
export interface Rules {
  /** Names of the packages, the one that counts first at the front. */
  readonly packages: readonly string[];
  /** By what a rule is filed under: an UpdateId, a KB number, a product or classification (lower case), a severity. */
  readonly drawers: Readonly<Record<Drawer, ReadonlyMap<string, Folder>>>;
  /** Rules that name none of these. */
  readonly others: Folder;
  readonly wapt: UnitedWaptLists;
  readonly settings: MergedSettings;
}

/** Rules by their effect, the one that counts first at the front. */
export interface Folder {
  readonly forbid: readonly CompiledRule[];
  readonly hold: readonly CompiledRule[];
  readonly allow: readonly CompiledRule[];
}

/** A setting, and the package that it is from. */
export interface Setting<Value> {
  readonly value: Value;
  readonly package: string;
}

export interface MergedSettings {
  readonly enabled: Setting<boolean> | undefined;
  readonly defaultAllow: Setting<boolean> | undefined;
  /** Seconds. */
  readonly installDelay: Setting<number> | undefined;
  /** Seconds. */
  readonly installDelays: ReadonlyMap<Severity | 'Unspecified', Setting<number>>;
  readonly directDownload: Setting<boolean> | undefined;
  readonly directFirst: Setting<boolean> | undefined;
}

/**
 * Merges packages. Their order in the argument plays no part: the one with the higher priority counts first, then the
 * first by name (compared by UTF-16 units, the same on every machine); the names differ.
 *
 * Each setting is merged for itself, and so is the delay of each severity: a package that gives one of them leaves the others
 * to packages after it.
 */
export function compileRules(packages: readonly RulePackage[]): Rules {
  const ordered = packages.toSorted((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
  const drawers: Record<Drawer, Map<string, MutableFolder>> = {
    updates: new Map(),
    kbs: new Map(),
    products: new Map(),
    classifications: new Map(),
    severities: new Map(),
  };
  const others = emptyFolder();
  let rank = 0;
  for (const each of ordered) {
    for (let place = 1; place <= each.rules.length; place += 1) {
      const rule = compileRule(each, place, rank);
      rank += 1;
      if (rule === undefined) continue;
      if (rule.drawer === undefined) others[rule.effect].push(rule);
      else for (const key of keysOf(rule, rule.drawer)) folderOf(drawers[rule.drawer], key)[rule.effect].push(rule);
    }
  }
  return {
    packages: ordered.map(({ name }) => name),
    drawers,
    others,
    wapt: uniteWapt(ordered),
    settings: mergeSettings(ordered),
  };
}

type MutableFolder = Record<keyof Folder, CompiledRule[]>;

const emptyFolder = (): MutableFolder => ({ forbid: [], hold: [], allow: [] });

function folderOf(drawer: Map<string, MutableFolder>, key: string): MutableFolder {
  const known = drawer.get(key);
  if (known !== undefined) return known;
  const folder = emptyFolder();
  drawer.set(key, folder);
  return folder;
}

/** A rule lies once in each folder, however often it names the key. */
function keysOf({ when }: CompiledRule, drawer: Drawer): ReadonlySet<string> {
  const named: readonly string[] = when[drawer] ?? [];
  switch (drawer) {
    case 'updates':
      return new Set(named.map((name) => name.split('_', 1)[0] ?? name));
    case 'products':
    case 'classifications':
      return new Set(named.map((name) => name.toLowerCase()));
    default:
      return new Set(named);
  }
}

const severities: readonly (Severity | 'Unspecified')[] = ['Critical', 'Important', 'Moderate', 'Low', 'Unspecified'];

function mergeSettings(ordered: readonly RulePackage[]): MergedSettings {
  const first = <Value>(read: (of: RulePackage) => Value | undefined): Setting<Value> | undefined => {
    for (const each of ordered) {
      const value = read(each);
      if (value !== undefined) return { value, package: each.name };
    }
    return undefined;
  };
  const installDelays = new Map<Severity | 'Unspecified', Setting<number>>();
  for (const severity of severities) {
    const delay = first(({ settings }) => settings?.installDelaysBySeverity?.[severity]);
    if (delay !== undefined) installDelays.set(severity, delay);
  }
  return {
    enabled: first(({ settings }) => settings?.enabled),
    defaultAllow: first(({ settings }) => settings?.defaultAllow),
    installDelay: first(({ settings }) => settings?.installDelaySeconds),
    installDelays,
    directDownload: first(({ settings }) => settings?.directDownload),
    directFirst: first(({ settings }) => settings?.directFirst),
  };
}
