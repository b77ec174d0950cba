import type { ByteSink, CabMember } from '#shared/cabinet/index.ts';
import { ColumnarCatalog } from '#shared/core/catalog/columns/columnar-catalog.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import type { ExaminedCab } from './examine-index.ts';
import { fragmentName } from './fragment-name.ts';
import { type Depth, FragmentReader } from './fragment-reader.ts';
import { IndexError } from './index-error.ts';
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
  readonly members: number;
  /** Members of unknown directories or names, passed over; the name is `e/` for a directory, else that of the member. */
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
  for await (const chunk of source) {
    reader.write(chunk);
    options.onProgress?.(reader.progress);
  }
  return reader.finish();
}

/** Outer members whose names are kept for messages; a real index has some 80. */
const MAX_NAMES = 100;

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
  /** Names of the inner cabinets met; their numbers are their places. */
  readonly #cabs: string[] = [];
  readonly #skipped = new Map<string, number>();
  /** Number of the cabinet that holds package.xml: that one is always read. */
  #listCab = -1;
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
    let reusedCabs = 0;
    for (const [number, name] of this.#cabs.entries()) {
      if (!this.#reused.has(name)) continue;
      this.#reused.replay(name, number, this.#values, this.#fragments);
      reusedCabs += 1;
    }
    const notReusable = new Set([this.#listCab]);
    this.#fragments.settle(
      (revisionId) => this.#cabs.indexOf(this.#shards.ownerOf(revisionId) ?? ''),
      (cab) => notReusable.add(cab),
    );
    const columns = joinCatalog({
      values: this.#values,
      list: this.#list,
      fragments: this.#fragments,
      directories: directoriesOf[layout],
      cabs: this.#cabs.flatMap((name) => this.#examined.get(name) ?? []),
      notReusable,
    });
    return {
      catalog: new ColumnarCatalog(columns),
      layout,
      bytes: this.#bytes,
      members: this.#members,
      skipped: [...this.#skipped].map(([name, members]) => ({ name, members })),
      reusedCabs,
    };
  }

  #defaultLanguageOf(revisionId: number): string | undefined {
    const row = this.#list.rows.get(revisionId);
    return row === -1 ? undefined : this.#values.texts.get(this.#list.language.at(row));
  }

  #outerMember(member: CabMember): ByteSink | undefined {
    const path = pathOf(member);
    this.#members += 1;
    if (this.#outerNames.length < MAX_NAMES) this.#outerNames.push(member.name);
    if (path === 'index.xml') {
      return new XmlReader('whole', indexXml).begin({ name: path, state: this.#shards });
    }
    if (isInnerCab(path)) return this.#innerCab(path);
    this.#skip(path);
    return undefined;
  }

  #innerCab(name: string): ByteSink | undefined {
    if (this.#cabs.includes(name)) throw new IndexError('bad-layout', `the index has ${name} twice`);
    const number = this.#cabs.length;
    this.#cabs.push(name);
    if (this.#reused.has(name)) return undefined;
    return new NamedCab(name, { onMember: (inner) => this.#innerMember(name, number, inner.name) });
  }

  #innerMember(cabName: string, cab: number, member: string): ByteSink | undefined {
    this.#members += 1;
    const fragment = fragmentName(member);
    if (fragment !== undefined) return this.#fragments.sink(fragment, cab, cabName, member);
    const path = pathOf({ name: member });
    if (path === 'package.xml') {
      this.#listCab = cab;
      return new XmlReader('whole', packageXml).begin({ name: `${cabName}: ${path}`, state: this.#list });
    }
    this.#skip(path);
    return undefined;
  }

  #skip(path: string): void {
    const slash = path.indexOf('/');
    const name = slash === -1 ? path : path.slice(0, slash + 1);
    this.#skipped.set(name, (this.#skipped.get(name) ?? 0) + 1);
  }

  #layout(): IndexLayout {
    if (this.#shards.seen) {
      const absent = this.#shards.cabs.filter((name) => !this.#cabs.includes(name));
      if (absent.length > 0) throw new IndexError('bad-layout', `index.xml lists ${named(absent)}, which is missing`);
    } else if (!this.#cabs.includes('package.cab')) {
      throw this.#otherKind();
    } else if (this.#cabs.length > 1) {
      throw new IndexError('bad-layout', `${named(this.#cabs)} are there, but no index.xml that lists them`);
    }
    if (!this.#list.seen) throw new IndexError('bad-layout', 'no cabinet of the index holds package.xml');
    return this.#shards.seen ? 'wsusscn2' : 'wsusscan';
  }

  /** What the file is instead. */
  #otherKind(): IndexError {
    const names = this.#outerNames;
    const inner = names.find((name) => name.toLowerCase().endsWith('wsusscan.cab'));
    let what = `the cabinet has neither index.xml nor package.cab, but ${named(names)}`;
    if (inner !== undefined) what = `this is an update package (.msu); its index is the member ${inner}, extract that`;
    else if (names.some((name) => name.toLowerCase() === 'package.xml'))
      what = 'package.xml lies at the top: this looks like an export of a WSUS';
    return new IndexError('not-an-index', `not an index: ${what}`);
  }
}

const named = (names: readonly string[]): string =>
  names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
