import type { CbsIdentity, Comparison, RegistryKey, RegistryValueName, StringComparison } from './model.ts';
import { parseVersion, type Version } from './version.ts';

const scalarComparisons: readonly Comparison[] = [
  'LessThan',
  'LessThanOrEqualTo',
  'EqualTo',
  'GreaterThanOrEqualTo',
  'GreaterThan',
];
const stringComparisons: readonly StringComparison[] = ['EqualTo', 'BeginsWith', 'EndsWith', 'Contains'];

/** Of an operator that is read although an attribute is wrong; the rule is not used then. */
const noVersion: Version = [0, 0, 0, 0];

const clip = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/**
 * Reads the attributes of one operator. A missing or wrong one is noted as a fault, and reading goes on with a stand-in,
 * so that all faults are said together.
 */
export class Attributes {
  private readonly values: ReadonlyMap<string, string>;
  private readonly unread: Set<string>;
  private readonly faults: string[] = [];

  constructor(values: ReadonlyMap<string, string>) {
    this.values = values;
    this.unread = new Set(values.keys());
  }

  /** What is wrong with the attributes that were read; `undefined` when nothing is. */
  get fault(): string | undefined {
    return this.faults.length === 0 ? undefined : this.faults.join('; ');
  }

  /** Attributes that nobody asked for: the operator means more than is evaluated. */
  get surplus(): readonly string[] {
    return [...this.unread];
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  text(name: string): string {
    return this.optional(name) ?? this.wrong(name, 'a text', '');
  }

  optional(name: string): string | undefined {
    this.unread.delete(name);
    return this.values.get(name);
  }

  /** A whole number from 0 up. */
  number(name: string): number {
    const text = this.optional(name)?.trim();
    if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
    return this.wrong(name, 'a whole number', 0);
  }

  boolean(name: string): boolean {
    const text = this.optional(name)?.trim().toLowerCase();
    if (text === 'true' || text === '1') return true;
    if (text === undefined || text === 'false' || text === '0') return false;
    return this.wrong(name, 'true or false', false);
  }

  version(name: string): Version {
    return parseVersion(this.optional(name) ?? '') ?? this.wrong(name, 'one to four numbers with dots', noVersion);
  }

  comparison(otherwise?: Comparison): Comparison {
    if (otherwise !== undefined && !this.has('Comparison')) return otherwise;
    return this.oneOf('Comparison', scalarComparisons, 'EqualTo');
  }

  stringComparison(): StringComparison {
    return this.oneOf('Comparison', stringComparisons, 'EqualTo');
  }

  anyComparison(): Comparison | StringComparison {
    return this.oneOf('Comparison', [...scalarComparisons, ...stringComparisons], 'EqualTo');
  }

  /** One of the names; case does not count (ProductReleaseVersion writes `greaterthan`). */
  oneOf<Name extends string>(name: string, names: readonly Name[], otherwise: Name): Name {
    const text = this.optional(name)?.trim().toLowerCase();
    const found = names.find((each) => each.toLowerCase() === text);
    return found ?? this.wrong(name, names.join(', '), otherwise);
  }

  /** A code of Windows Installer: a GUID in braces. @returns lower case, without braces */
  code(name: string): string {
    return readCode(this.optional(name) ?? '') ?? this.wrong(name, 'a GUID', '');
  }

  /** Milliseconds since 1970. A time without a zone is a fault: Microsoft's end in `Z`. */
  time(name: string): number {
    const text = this.optional(name) ?? '';
    const time = /(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(time) ? this.wrong(name, 'a date and time with zone', 0) : time;
  }

  /** The schema allows two roots only (type RegistryKey of the BaseTypes schema). */
  key(): RegistryKey {
    const root = this.optional('Key');
    const allowed = root === 'HKEY_LOCAL_MACHINE' || root === 'HKEY_LOOP_TARGET';
    if (!allowed) this.wrong('Key', 'HKEY_LOCAL_MACHINE or HKEY_LOOP_TARGET', undefined);
    return {
      root: root === 'HKEY_LOOP_TARGET' ? 'loop-target' : 'machine',
      subkey: this.text('Subkey'),
      view32: this.boolean('RegType32'),
    };
  }

  /** A key and the name of a value in it; without a name, the key's default value. */
  registryValue(): RegistryValueName {
    return { ...this.key(), value: this.optional('Value') ?? '' };
  }

  cbsIdentity(name: string): CbsIdentity {
    const identity = parseCbsIdentity(this.optional(name) ?? '');
    return identity ?? this.wrong(name, 'name~token~architecture~language~version', nobody);
  }

  private wrong<Value>(name: string, allowed: string, otherwise: Value): Value {
    const got = this.values.get(name);
    this.faults.push(`${name} is ${got === undefined ? 'missing' : clip(got)}, allowed is ${allowed}`);
    return otherwise;
  }
}

const nobody: CbsIdentity = { name: '', publicKeyToken: '', architecture: '', language: '', version: '0.0.0.0' };

/** @returns lower case, without braces; `undefined` when it is no GUID */
export function readCode(text: string): string | undefined {
  const match = /^\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?$/i.exec(text.trim());
  return match?.[1]?.toLowerCase();
}

/**
 * Reads `name~token~architecture~language~version`; the language of neutral packages is empty.
 *
 * @returns `undefined` when the text is none
 */
export function parseCbsIdentity(text: string): CbsIdentity | undefined {
  const parts = text.trim().split('~');
  const [name = '', publicKeyToken = '', architecture = '', language = '', version = ''] = parts;
  if (parts.length !== 5 || name === '' || parseVersion(version) === undefined) return undefined;
  return { name, publicKeyToken, architecture, language, version };
}

export const formatCbsIdentity = (identity: CbsIdentity): string => {
  const language = identity.language.toLowerCase() === 'neutral' ? '' : identity.language;
  return [identity.name, identity.publicKeyToken, identity.architecture, language, identity.version].join('~');
};
