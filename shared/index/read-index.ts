import type { ByteSink, CabMember, MetMember } from '#shared/cabinet/index.ts';
import { ColumnarCatalog } from '#shared/core/catalog/columns/columnar-catalog.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import type { ExaminedCab } from './examine-index.ts';
import { fragmentName } from './fragment-name.ts';
import { type Depth, FragmentReader } from './fragment-reader.ts';
import { IndexError, quoted } from './index-error.ts';
import { indexXml, ShardList } from './index-xml.ts';
import { isInnerCab, NamedCab, pathOf } from './inner-cab.ts';
import { type FragmentDirectories, joinCatalog } from './join.ts';
import { PackageList } from './package-list.ts';
import { packageXml } from './package-xml.ts';
import { ReusedFacts } from './reuse.ts';
import { Values } from './values.ts';
import { XmlReader } from './xml/index.ts';

/**
 * `wsusscn2`: the monthly file, index.xml and numbered cabinets. `wsusscan`: the index inside an .msu, one package.cab.
 * They are told apart by whether index.xml is there.
 */
type IndexLayout = 'wsusscn2' | 'wsusscan';

/** Why an index of this layout is not the monthly one, which alone tells hosts of all updates; `undefined` when it is. */
export const whyNotMonthly = (layout: string): string | undefined =>
  layout === 'wsusscn2'
    ? undefined
    : `it is the index of a single package (${layout}), as in an .msu; only the monthly index (wsusscn2) is published`;

export interface IndexProgress {
  /** Bytes of the index file consumed so far. */
  readonly bytes: number;
  /** Members met so far, those of inner cabinets included. */
  readonly members: number;
}

export interface ReadIndexOptions {
  /** @default 'facts' */
  readonly depth?: Depth;
  /**
   * The inner cabinets of this index by an {@link IndexExaminer}. The catalogue keeps them for the next publication.
   *
   * @default - nothing of the catalogue can be used again
   */
  readonly cabs?: readonly ExaminedCab[];
  /** An earlier publication. What `cabs` that it has too say is taken from it, and they are not unpacked. */
  readonly earlier?: Catalog;
  /** Called after each chunk of the source. */
  readonly onProgress?: (progress: IndexProgress) => void;
}

/** A catalogue, and what was met on the way to it. */
export interface Publication {
  readonly catalog: Catalog;
  readonly layout: IndexLayout;
  /** Length of the source. */
  readonly bytes: number;
  /** Members met, those of inner cabinets included; of inner cabinets that were taken from the earlier publication, none. */
  readonly members: number;
  /**
   * Members of unknown directories or names, passed over; the name is `e/` for a directory, else that of the member. Those
   * behind the first hundred names are counted together, as `(others)`. Members of inner cabinets that were taken from the
   * earlier publication are not among them.
   */
  readonly skipped: readonly { readonly name: string; readonly members: number }[];
  /** Inner cabinets that were taken from the earlier publication. */
  readonly reusedCabs: number;
}

/**
 * Reads a whole index in one pass, without temporary files; memory grows with the catalogue, not with the file.
 *
 * @throws IndexError; what the source itself throws passes through
 */
export async function readIndex(source: AsyncIterable<Uint8Array>, options: ReadIndexOptions = {}): Promise<Catalog> {
  return (await readPublication(source, options)).catalog;
}

/** {@link readIndex} with what an operator wants to know besides. */
export async function readPublication(
  source: AsyncIterable<Uint8Array>,
  options: ReadIndexOptions = {},
): Promise<Publication> {
  const reader = new IndexReader(options);
  try {
    for await (const chunk of source) {
      within(() => reader.write(chunk));
      options.onProgress?.(reader.progress);
    }
    return within(() => reader.finish());
  } finally {
    reader.abort();
  }
}

/** An index that asks for longer columns than there can be is at fault itself: reading it again would end likewise. */
function within<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new IndexError('bad-layout', `the index holds more than can be read: ${error.message}`, { cause: error });
  }
}

/** Names of outer members that are kept for messages, and of passed-over members; a real index has some 80 and 3. */
const MAX_NAMES = 100;
const otherNames = '(others)';

const directoriesOf: Readonly<Record<IndexLayout, FragmentDirectories>> = {
  wsusscn2: { core: 'c', extended: 'x', localized: 'l' },
  wsusscan: { core: 'core', extended: 'extended', localized: 'localized' },
};

/** Readers within readers: the outer cabinet, those inside it, and the XML inside those, in whatever order they come. */
class IndexReader {
  readonly #values = new Values();
  readonly #shards = new ShardList();
  readonly #list = new PackageList(this.#values);
  readonly #fragments: FragmentReader;
  readonly #reused: ReusedFacts;
  readonly #outer = new NamedCab(undefined, { onMember: (member) => this.#outerMember(member) });
  /** As stored, to say what a file is that is no index. */
  readonly #outerNames: string[] = [];
  readonly #examined: ReadonlyMap<string, ExaminedCab>;
  /** Numbers of the inner cabinets met, by their names, in their order. */
  readonly #cabs = new Map<string, number>();
  /** Languages of titles, by their numbers in `texts`. */
  readonly #languages = new Map<number, string>();
  #hasShards = false;
  readonly #skipped = new Map<string, number>();
  /** Number of the cabinet that holds package.xml, -1 before it is met: that one is always read. */
  #listCab = -1;
  #reusedCabs = 0;
  #bytes = 0;
  #members = 0;

  constructor({ depth, cabs = [], earlier }: ReadIndexOptions) {
    this.#fragments = new FragmentReader(this.#values, depth ?? 'facts', (id) => this.#defaultLanguageOf(id));
    this.#examined = new Map(cabs.map((cab) => [cab.name, cab]));
    this.#reused = new ReusedFacts(cabs, earlier);
  }

  get progress(): IndexProgress {
    return { bytes: this.#bytes, members: this.#members };
  }

  write(chunk: Uint8Array): void {
    this.#outer.write(chunk);
    this.#bytes += chunk.length;
  }

  finish(): Publication {
    if (this.#bytes === 0) throw new IndexError('not-an-index', 'not an index: the file is empty');
    this.#outer.end();
    const layout = this.#layout();
    this.#list.finishUpdate();
    const notReusable = new Set([this.#listCab]);
    this.#fragments.settle(
      (revisionId) => this.#cabs.get(this.#shards.ownerOf(revisionId) ?? ''),
      (cab) => notReusable.add(cab),
    );
    const examined = [...this.#cabs.keys()].flatMap((name) => this.#examined.get(name) ?? []);
    const columns = joinCatalog({
      values: this.#values,
      list: this.#list,
      fragments: this.#fragments,
      directories: directoriesOf[layout],
      // Rows name cabinets by number, which would be another cabinet's if one was missing.
      cabs: examined.length === this.#cabs.size ? examined : [],
      notReusable,
    });
    return {
      catalog: new ColumnarCatalog(columns),
      layout,
      bytes: this.#bytes,
      members: this.#members,
      skipped: [...this.#skipped].map(([name, members]) => ({ name, members })),
      reusedCabs: this.#reusedCabs,
    };
  }

  /** Gives the decoders' memory back, whether or not all was read. */
  abort(): void {
    this.#outer.abort();
  }

  #defaultLanguageOf(revisionId: number): string | undefined {
    const row = this.#list.rows.get(revisionId);
    if (row === -1) return undefined;
    const number = this.#list.language.at(row);
    let language = this.#languages.get(number);
    if (language === undefined) {
      language = this.#values.texts.get(number);
      // There are some forty; more are not worth keeping.
      if (this.#languages.size < MAX_NAMES) this.#languages.set(number, language);
    }
    return language;
  }

  #outerMember(member: CabMember): ByteSink | undefined {
    const path = pathOf(member);
    this.#members += 1;
    if (this.#outerNames.length < MAX_NAMES) this.#outerNames.push(member.name);
    if (path === 'index.xml') {
      if (this.#hasShards) throw new IndexError('bad-layout', 'the index has index.xml twice');
      this.#hasShards = true;
      return new XmlReader('whole', indexXml).begin({ name: path, state: this.#shards });
    }
    if (isInnerCab(path)) return this.#innerCab(path);
    this.#skip(path);
    return undefined;
  }

  #innerCab(name: string): ByteSink | undefined {
    if (this.#cabs.has(name)) throw new IndexError('bad-layout', `the index has ${name} twice`);
    const number = this.#cabs.size;
    this.#cabs.set(name, number);
    if (this.#reused.has(name)) {
      this.#reused.replay(name, number, this.#values, this.#fragments);
      this.#reusedCabs += 1;
      return undefined;
    }
    return new NamedCab(name, { onMember: (inner) => this.#innerMember(name, number, inner) });
  }

  #innerMember(cabName: string, cab: number, member: MetMember): ByteSink | undefined {
    this.#members += 1;
    const fragment = fragmentName(member);
    if (fragment !== undefined) return this.#fragments.sink(fragment, cab, cabName, member);
    const path = pathOf(member);
    if (path === 'package.xml') {
      if (this.#listCab !== -1)
        throw new IndexError('bad-layout', `the index has package.xml twice, now in ${cabName}`);
      this.#listCab = cab;
      return new XmlReader('whole', packageXml).begin({ name: `${cabName}: ${path}`, state: this.#list });
    }
    this.#skip(path);
    return undefined;
  }

  #skip(path: string): void {
    const slash = path.indexOf('/');
    const own = slash === -1 ? path : path.slice(0, slash + 1);
    const name = this.#skipped.size < MAX_NAMES || this.#skipped.has(own) ? own : otherNames;
    this.#skipped.set(name, (this.#skipped.get(name) ?? 0) + 1);
  }

  #layout(): IndexLayout {
    const { seen, cabs: listed } = this.#shards;
    if (seen) {
      const absent = [...listed].filter((name) => !this.#cabs.has(name));
      if (absent.length > 0) throw new IndexError('bad-layout', `index.xml lists ${named(absent)}, which is missing`);
      const unlisted = [...this.#cabs.keys()].filter((name) => !listed.has(name));
      if (unlisted.length > 0) throw new IndexError('bad-layout', `index.xml does not list ${named(unlisted)}`);
    } else if (!this.#cabs.has('package.cab')) {
      throw this.#otherKind();
    } else if (this.#cabs.size > 1) {
      throw new IndexError(
        'bad-layout',
        `${named([...this.#cabs.keys()])} are there, but no index.xml that lists them`,
      );
    }
    if (!this.#list.seen) throw new IndexError('bad-layout', 'no cabinet of the index holds package.xml');
    return this.#shards.seen ? 'wsusscn2' : 'wsusscan';
  }

  /** What the file is instead. */
  #otherKind(): IndexError {
    const names = this.#outerNames;
    const inner = names.find((name) => name.toLowerCase().endsWith('wsusscan.cab'));
    let what = `the cabinet has neither index.xml nor package.cab, but ${named(names)}`;
    if (inner !== undefined)
      what = `this is an update package (.msu); its index is the member ${quoted(inner)}, extract that`;
    else if (names.some((name) => name.toLowerCase() === 'package.xml'))
      what = 'package.xml lies at the top: this looks like an export of a WSUS';
    return new IndexError('not-an-index', `not an index: ${what}`);
  }
}

function named(names: readonly string[]): string {
  const first = names.slice(0, 5).map(quoted).join(', ');
  return names.length <= 5 ? first : `${first} and ${names.length - 5} more`;
}
