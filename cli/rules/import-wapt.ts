import { parseInWords } from '#shared/contract/parse.ts';
import { type RulePackageDocument, rulePackage } from '#shared/contract/rules.ts';
import { packageForm } from './form.ts';
import { faultsOf } from './form-faults.ts';
import { laterSettings } from './later-settings.ts';
import { readIni } from './read-ini.ts';
import { type Path, toPackage } from './to-package.ts';

/** One option of WAPT's, and how its place is named. */
interface WaptOption {
  readonly key: string;
  readonly value: unknown;
  /** `line 7`, or nothing in JSON. */
  readonly place?: string;
}

/** What came of an import: a package and what it does not carry, or what is wrong with the file. */
export type Imported =
  | { readonly success: true; readonly package: RulePackageDocument; readonly notes: readonly string[] }
  | { readonly success: false; readonly faults: readonly string[] };

const lists = [
  'forbidden_updates',
  'forbidden_kbs',
  'allowed_updates',
  'allowed_kbs',
  'allowed_products',
  'allowed_severities',
  'allowed_classifications',
];
/** With the names that they have in packages: WAPT 1.x called one of them otherwise. */
const switches: ReadonlyMap<string, string> = new Map([
  ['enabled', 'enabled'],
  ['default_allow', 'default_allow'],
  ['direct_download', 'direct_download'],
  ['allow_direct_download', 'direct_download'],
]);

/**
 * A rule package of WAPT's `wapt-get.ini` (section `[waptwua]`) or `waptwua_rules.json`. Lists become the lists of WAPT,
 * which keep WAPT's meaning. Every option that is not carried over is named in the notes, and so is `enabled: false` where
 * a `wapt-get.ini` says nothing of it.
 *
 * @param name of the package
 */
export function importWapt(text: string, name: string): Imported {
  const read = /^\s*[{[]\s*("|\}|\])/.test(text) ? readJson(text) : readWaptSection(text);
  if ('faults' in read) return { success: false, faults: read.faults };
  const wapt: Record<string, unknown> = {};
  const settings: Record<string, unknown> = {};
  const notes = [...read.notes];
  const places = new Map<string, string>();
  for (const { key, value, place } of read.options) {
    if (place !== undefined) places.set(switches.get(key) ?? key, place);
    // `None` in JSON is null, and an empty value in the file is as if it were not there.
    if (value === null || value === '') continue;
    if (lists.includes(key)) wapt[key] = listOf(value);
    else if (switches.has(key)) settings[switches.get(key) ?? key] = switchOf(value);
    else if (key === 'install_delay') settings[key] = typeof value === 'string' ? value.toLowerCase() : value;
    else notes.push(noteOf(key, value, place));
  }
  const form = parseInWords(packageForm, {
    name,
    ...(Object.keys(wapt).length > 0 && { wapt }),
    ...(Object.keys(settings).length > 0 && { settings }),
  });
  const named = (path: Path, message: string): string => {
    const key = String(path[1] ?? path[0] ?? '');
    const place = places.get(key);
    return `${place === undefined ? '' : `${place}: `}${key}: ${message.replace(/^(wapt|settings)\.[a-z_]+(\.\d+)?: /, '')}`;
  };
  if (!form.success) {
    return { success: false, faults: faultsOf(form.error.issues).map(({ path, message }) => named(path, message)) };
  }
  const faults: string[] = [];
  const wire = toPackage(form.data, (path, message) => void faults.push(named(path, message)));
  if (faults.length > 0) return { success: false, faults };
  const checked = parseInWords(rulePackage, wire);
  if (!checked.success) return { success: false, faults: checked.faults };
  return { success: true, package: checked.data, notes };
}

function noteOf(key: string, value: unknown, place: string | undefined): string {
  const why = laterSettings.get(key) ?? 'not an option that is known';
  return `not taken over: ${key} = ${typeof value === 'string' ? value : JSON.stringify(value)}${place === undefined ? '' : ` (${place})`}: ${why}`;
}

const listOf = (value: unknown): unknown =>
  typeof value === 'string'
    ? value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
    : value;

/** What Python's configuration files take for yes and no; anything else stays, and is a fault. */
function switchOf(value: unknown): unknown {
  const text = String(value).toLowerCase();
  if (['1', 'yes', 'true', 'on'].includes(text)) return true;
  if (['0', 'no', 'false', 'off'].includes(text)) return false;
  return value;
}

type ReadOptions =
  | { readonly options: readonly WaptOption[]; readonly notes: readonly string[] }
  | { readonly faults: readonly string[] };

function readJson(text: string): ReadOptions {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return { faults: [`not JSON: ${cause instanceof Error ? cause.message : String(cause)}`] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { faults: ['expected an object with the lists of WAPT, as in waptwua_rules.json'] };
  return { options: Object.entries(value).map(([key, one]) => ({ key, value: one })), notes: [] };
}

/** A file that never made WAPT install anything must not begin to here. */
const notEnabled =
  'enabled is not set: WAPT leaves Windows Update alone then, and here it would count as true; the package has enabled: false';

function readWaptSection(text: string): ReadOptions {
  const { entries, faults } = readIni(text);
  if (faults.length > 0) return { faults: faults.map(({ line, message }) => `line ${line}: ${message}`) };
  const options = entries
    .filter(({ section }) => section === 'waptwua')
    .map(({ key, value, line }): WaptOption => ({ key, value, place: `line ${line}` }));
  if (options.length === 0) return { faults: ['there is no section [waptwua] with options in it'] };
  const others = [...new Set(entries.map(({ section }) => section))].filter((section) => section !== 'waptwua');
  const notes = others.map((section) => `section [${section}] was not read: it is not about updates`);
  if (options.some(({ key, value }) => key === 'enabled' && value !== '')) return { options, notes };
  return { options: [...options, { key: 'enabled', value: 'no' }], notes: [...notes, notEnabled] };
}
