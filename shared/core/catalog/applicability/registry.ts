import type { RegistryData, RegistryFacts } from './host-state.ts';
import type { Version } from './version.ts';
import { linkedPath, redirectedPath } from './wow64-keys.ts';

/** What is known of one thing: `null` when it is known not to be there, `undefined` when nothing is known. */
export type Fact<Value> = Value | null | undefined;

/** Processors on which Windows has no second view for 32-bit programs. */
const x86 = 0;

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
  private readonly windows: Version | undefined;

  /**
   * @param processor architecture, as in the state
   * @param windows version of Windows: before Windows 7 fewer keys were shared
   */
  constructor(facts: RegistryFacts | undefined, processor: number | undefined, windows: Version | undefined) {
    let placed = true;
    this.processor = processor;
    this.windows = windows;
    for (const [path, values] of Object.entries(facts?.keys ?? {})) {
      const normal = normalPath(path);
      const stored = this.stored(normal, false);
      placed &&= stored !== undefined;
      // A link is there itself, as are the keys above it.
      if (stored !== undefined && stored !== normal) this.add(normal);
      const key = this.add(stored ?? normal);
      for (const [name, data] of Object.entries(values)) key.set(name.toLowerCase(), data);
    }
    // A key whose place is not known may be anywhere that links lead to.
    this.complete = placed && (facts?.complete ?? false);
  }

  /**
   * Where the key is stored.
   *
   * @returns `undefined` when it depends on what is not known: whether the host has two views, or how old its Windows is
   */
  stored(path: string, view32: boolean): string | undefined {
    const normal = normalPath(path);
    if (this.processor === x86) return normal;
    const { windows } = this;
    const seen = view32 ? redirectedPath(normal, windows) : normal;
    const place = seen === undefined ? undefined : linkedPath(seen, windows);
    // Without a second view, the key is where it is asked for.
    return place === normal || this.processor !== undefined ? place : undefined;
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
