import type { RegistryData, RegistryFacts } from './host-state.ts';

/** What is known of one thing: `null` when it is known not to be there, `undefined` when nothing is known. */
export type Fact<Value> = Value | null | undefined;

/** Processors on which Windows has no second view for 32-bit programs. */
const x86 = 0;

/**
 * Keys below HKEY_LOCAL_MACHINE\SOFTWARE that 32- and 64-bit programs share (Microsoft, "Registry Keys Affected by WOW64",
 * for Windows 7 and later). All others are redirected to SOFTWARE\WOW6432Node; what is outside SOFTWARE is shared.
 */
const shared = [
  'clients',
  'microsoft\\com3',
  'microsoft\\dfs',
  'microsoft\\enterprisecertificates',
  'microsoft\\eventsystem',
  'microsoft\\msmq',
  'microsoft\\ole',
  'microsoft\\ras',
  'microsoft\\rpc',
  'microsoft\\systemcertificates',
  'microsoft\\termservlicensing',
  'microsoft\\transaction server',
  'microsoft\\windows\\currentversion\\group policy',
  'microsoft\\windows\\currentversion\\policies',
  'microsoft\\windows\\currentversion\\setup',
  'microsoft\\windows nt\\currentversion\\fonts',
  'microsoft\\windows nt\\currentversion\\image file execution options',
  'microsoft\\windows nt\\currentversion\\networkcards',
  'microsoft\\windows nt\\currentversion\\perflib',
  'microsoft\\windows nt\\currentversion\\print',
  'microsoft\\windows nt\\currentversion\\profilelist',
  'microsoft\\windows nt\\currentversion\\time zones',
  'policies',
  'registeredapplications',
];

/** Lower case, single backslashes, none at the ends. */
export const normalPath = (path: string): string =>
  path
    .replaceAll('/', '\\')
    .replace(/\\{2,}/g, '\\')
    .replace(/^\\|\\$/g, '')
    .toLowerCase();

export const joined = (folder: string, path: string): string => `${folder}\\${path}`;

/** The described registry of a host, ready to be asked. Paths and names are compared without case. */
export class Registry {
  private readonly keys = new Map<string, Map<string, RegistryData>>();
  private readonly children = new Map<string, Set<string>>();
  private readonly complete: boolean;
  private readonly processor: number | undefined;

  constructor(facts: RegistryFacts | undefined, processor: number | undefined) {
    this.complete = facts?.complete ?? false;
    this.processor = processor;
    for (const [path, values] of Object.entries(facts?.keys ?? {})) {
      const key = this.add(normalPath(path));
      for (const [name, data] of Object.entries(values)) key.set(name.toLowerCase(), data);
    }
  }

  /** Where the key is stored. @returns `undefined` when it is not known whether the host has two views */
  stored(path: string, view32: boolean): string | undefined {
    const normal = normalPath(path);
    if (!view32 || !/^software(?:\\|$)/.test(normal)) return normal;
    if (this.processor === undefined) return undefined;
    const rest = normal.slice('software\\'.length);
    const redirected =
      this.processor !== x86 &&
      !/^wow6432node(?:\\|$)/.test(rest) &&
      !shared.some((key) => rest === key || rest.startsWith(`${key}\\`));
    return redirected ? normalPath(`software\\wow6432node\\${rest}`) : normal;
  }

  /** @param stored path as {@link stored} gives it */
  key(stored: string): Fact<true> {
    return this.keys.has(stored) ? true : this.absent();
  }

  value(stored: string, name: string): Fact<RegistryData> {
    return this.keys.get(stored)?.get(name.toLowerCase()) ?? this.absent();
  }

  /** Names of the keys directly below, in lower case, and whether these are all. */
  subkeys(stored: string): { readonly names: readonly string[]; readonly complete: boolean } {
    return { names: [...(this.children.get(stored) ?? [])], complete: this.complete };
  }

  private absent(): null | undefined {
    return this.complete ? null : undefined;
  }

  /** Adds the key and those above it. */
  private add(path: string): Map<string, RegistryData> {
    const known = this.keys.get(path);
    if (known !== undefined) return known;
    const values = new Map<string, RegistryData>();
    this.keys.set(path, values);
    const at = path.lastIndexOf('\\');
    if (at !== -1) {
      const parent = path.slice(0, at);
      this.add(parent);
      const names = this.children.get(parent) ?? new Set<string>();
      names.add(path.slice(at + 1));
      this.children.set(parent, names);
    }
    return values;
  }
}
