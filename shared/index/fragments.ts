import type { ByteSink } from '#shared/cabinet/index.ts';
import { CoreFacts, coreFragment } from './core-fragment.ts';
import { ExtendedFacts, extendedFragment } from './extended-fragment.ts';
import { type LocalizedFacts, localizedFragment } from './localized-fragment.ts';
import type { Values } from './values.ts';
import { MAX_REVISION_ID } from './values.ts';
import { XmlReader } from './xml.ts';

/** Which fragment a member is. */
export type FragmentName =
  | { readonly kind: 'core' | 'extended'; readonly revisionId: number }
  | { readonly kind: 'localized'; readonly revisionId: number; readonly language: string };

const directories: ReadonlyMap<string, 'core' | 'extended' | 'localized'> = new Map([
  ['c', 'core'],
  ['core', 'core'],
  ['x', 'extended'],
  ['extended', 'extended'],
  ['l', 'localized'],
  ['localized', 'localized'],
]);

/**
 * Reads `c/123`, `x/123`, `l/en/123` and the long names `core/123`, `extended/123`, `localized/en/123`.
 *
 * @param path lower case, separated by `/`
 * @returns `undefined` for every other member
 */
export function fragmentName(path: string): FragmentName | undefined {
  const parts = path.split('/');
  const kind = directories.get(parts[0] ?? '');
  const number = parts.at(-1) ?? '';
  if (kind === undefined || parts.length !== (kind === 'localized' ? 3 : 2) || !/^\d{1,10}$/.test(number)) {
    return undefined;
  }
  const revisionId = Number(number);
  if (revisionId > MAX_REVISION_ID) return undefined;
  return kind === 'localized' ? { kind, revisionId, language: parts[1] ?? '' } : { kind, revisionId };
}

/** Facts by RevisionId. When two cabinets hold the same one, the cabinet that index.xml names for it counts. */
class ByRevision<Facts> {
  readonly #facts = new Map<number, { readonly cab: string; readonly facts: Facts }>();
  readonly #others: { readonly revisionId: number; readonly cab: string; readonly facts: Facts }[] = [];

  put(revisionId: number, cab: string, facts: Facts): void {
    if (this.#facts.has(revisionId)) this.#others.push({ revisionId, cab, facts });
    else this.#facts.set(revisionId, { cab, facts });
  }

  get(revisionId: number): Facts | undefined {
    return this.#facts.get(revisionId)?.facts;
  }

  delete(revisionId: number): void {
    this.#facts.delete(revisionId);
  }

  settle(ownerOf: (revisionId: number) => string | undefined): void {
    for (const { revisionId, cab, facts } of this.#others.splice(0)) {
      if (ownerOf(revisionId) === cab) this.#facts.set(revisionId, { cab, facts });
    }
  }
}

const ENGLISH = 'en';

/** All fragments of one index, reduced to their facts as they stream by. */
export class Fragments {
  readonly #values: Values;
  readonly #coreReader = new XmlReader<CoreFacts>('fragment', coreFragment);
  readonly #extendedReader = new XmlReader<ExtendedFacts>('fragment', extendedFragment);
  readonly #localizedReader = new XmlReader<LocalizedFacts>('fragment', localizedFragment);
  readonly core = new ByRevision<CoreFacts>();
  readonly extended = new ByRevision<ExtendedFacts>();
  readonly #titles = new Map<string, ByRevision<string>>();
  /** The language of an update's own title, once package.xml is known. */
  readonly #defaultLanguageOf: (revisionId: number) => string | undefined;

  constructor(values: Values, defaultLanguageOf: (revisionId: number) => string | undefined) {
    this.#values = values;
    this.#defaultLanguageOf = defaultLanguageOf;
  }

  /** A reader for the member, or `undefined` when nothing in it is wanted. */
  reader(name: FragmentName, cab: string, path: string): ByteSink | undefined {
    const { revisionId } = name;
    const about = { name: `${cab}: ${path}` };
    switch (name.kind) {
      case 'core':
        return this.#coreReader.begin({
          ...about,
          state: new CoreFacts(this.#values),
          done: (facts) => this.core.put(revisionId, cab, facts),
        });
      case 'extended':
        return this.#extendedReader.begin({
          ...about,
          state: new ExtendedFacts(this.#values),
          done: (facts) => this.extended.put(revisionId, cab, facts),
        });
      case 'localized':
        if (!this.#wanted(revisionId, name.language)) return undefined;
        return this.#localizedReader.begin({
          ...about,
          state: { title: undefined },
          done: ({ title }) => this.#putTitle(revisionId, cab, name.language, title),
        });
    }
  }

  /** The English title, or the one in the update's own language. */
  title(revisionId: number, defaultLanguage: string): string | undefined {
    return this.#titles.get(ENGLISH)?.get(revisionId) ?? this.#titles.get(defaultLanguage)?.get(revisionId);
  }

  /** To be called when all is read. */
  settle(ownerOf: (revisionId: number) => string | undefined): void {
    this.core.settle(ownerOf);
    this.extended.settle(ownerOf);
    for (const titles of this.#titles.values()) titles.settle(ownerOf);
  }

  #wanted(revisionId: number, language: string): boolean {
    if (language === ENGLISH) return true;
    if (this.#titles.get(ENGLISH)?.get(revisionId) !== undefined) return false;
    const own = this.#defaultLanguageOf(revisionId);
    return own === undefined || own === language;
  }

  #putTitle(revisionId: number, cab: string, language: string, title: string | undefined): void {
    if (title === undefined || title === '') return;
    const titles = this.#titles.get(language) ?? new ByRevision<string>();
    this.#titles.set(language, titles);
    titles.put(revisionId, cab, title);
    if (language !== ENGLISH) return;
    // What was kept in case there is no English one.
    for (const [other, kept] of this.#titles) if (other !== ENGLISH) kept.delete(revisionId);
  }
}
