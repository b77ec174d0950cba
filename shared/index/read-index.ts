import { type ByteSink, CabError, type CabHandlers, type CabMember, CabReader } from '#shared/cabinet/index.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { Fragments, fragmentName } from './fragments.ts';
import { IndexError } from './index-error.ts';
import { indexXml, ShardList } from './index-xml.ts';
import { type FragmentDirectories, joinCatalog } from './join.ts';
import { PackageList, packageXml } from './package-xml.ts';
import { Values } from './values.ts';
import { XmlReader } from './xml.ts';

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

interface ReadIndexOptions {
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
  const reader = new IndexReader();
  for await (const chunk of source) {
    reader.write(chunk);
    options.onProgress?.(reader.progress);
  }
  return reader.finish();
}

/** Outer members whose names are kept for messages; a real index has some 80. */
const MAX_NAMES = 100;

const shardName = /^package\d*\.cab$/;

/** Names lie in cabinets with either separator, and cabinets do not tell cases apart. */
const pathOf = (member: CabMember): string => member.name.replaceAll('\\', '/').toLowerCase();

const directoriesOf: Readonly<Record<IndexLayout, FragmentDirectories>> = {
  wsusscn2: { core: 'c', extended: 'x', localized: 'l' },
  wsusscan: { core: 'core', extended: 'extended', localized: 'localized' },
};

/** Readers within readers: the outer cabinet, those inside it, and the XML inside those, in whatever order they come. */
class IndexReader {
  readonly #values = new Values();
  readonly #shards = new ShardList();
  readonly #list = new PackageList(this.#values);
  readonly #fragments = new Fragments(this.#values, (id) => this.#list.updates.get(id)?.defaultLanguage);
  readonly #outer = new Cab(undefined, { onMember: (member) => this.#outerMember(member) });
  /** As stored, to say what a file is that is no index. */
  readonly #outerNames: string[] = [];
  /** Inner cabinets met. */
  readonly #cabs = new Set<string>();
  readonly #skipped = new Map<string, number>();
  #bytes = 0;
  #members = 0;

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
    this.#fragments.settle((revisionId) => this.#shards.ownerOf(revisionId));
    return {
      catalog: joinCatalog(this.#list, this.#fragments, directoriesOf[layout]),
      layout,
      bytes: this.#bytes,
      members: this.#members,
      skipped: [...this.#skipped].map(([name, members]) => ({ name, members })),
    };
  }

  #outerMember(member: CabMember): ByteSink | undefined {
    const path = pathOf(member);
    this.#members += 1;
    if (this.#outerNames.length < MAX_NAMES) this.#outerNames.push(member.name);
    if (path === 'index.xml') {
      return new XmlReader('whole', indexXml).begin({ name: path, state: this.#shards });
    }
    if (shardName.test(path)) {
      if (this.#cabs.has(path)) throw new IndexError('bad-layout', `the index has ${path} twice`);
      this.#cabs.add(path);
      return new Cab(path, { onMember: (member) => this.#innerMember(path, pathOf(member)) });
    }
    this.#skip(path);
    return undefined;
  }

  #innerMember(cab: string, path: string): ByteSink | undefined {
    this.#members += 1;
    if (path === 'package.xml') {
      return new XmlReader('whole', packageXml).begin({ name: `${cab}: ${path}`, state: this.#list });
    }
    const fragment = fragmentName(path);
    if (fragment !== undefined) return this.#fragments.reader(fragment, cab, path);
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
      const absent = this.#shards.cabs.filter((cab) => !this.#cabs.has(cab));
      if (absent.length > 0) throw new IndexError('bad-layout', `index.xml lists ${named(absent)}, which is missing`);
    } else if (!this.#cabs.has('package.cab')) {
      throw this.#otherKind();
    } else if (this.#cabs.size > 1) {
      throw new IndexError('bad-layout', `${named([...this.#cabs])} are there, but no index.xml that lists them`);
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

/** A cabinet whose faults say which one it is. */
class Cab implements ByteSink {
  readonly #name: string | undefined;
  readonly #reader: CabReader;

  constructor(name: string | undefined, handlers: CabHandlers) {
    this.#name = name;
    this.#reader = new CabReader(handlers);
  }

  write(chunk: Uint8Array): void {
    this.#guard(() => this.#reader.write(chunk));
  }

  end(): void {
    this.#guard(() => this.#reader.end());
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof CabError)) throw error;
      if (this.#name === undefined && error.code === 'not-a-cabinet') {
        throw new IndexError('not-an-index', `not an index: ${error.message}`, { cause: error });
      }
      const where = error.member === undefined ? '' : `, at its member ${error.member}`;
      throw new IndexError('bad-cab', `${this.#name ?? 'the index'}${where}: ${error.message}`, { cause: error });
    }
  }
}
