/**
 * One process that reads an index in one mode and prints what it counted as a line of JSON: `node runner.mjs MODE FILE`. The
 * counterpart of `../peers/index-peer.c`, with its modes:
 *
 * - `package`: package.xml into the catalogue's columns; `decode`: everything unpacked, nothing parsed;
 * - `selective` and `full`: the catalogue of `readPublication`, at the depths `facts` and `everything`;
 * - `tokens`: not measured: counts elements, attributes and text of all that `full` reads.
 *
 * And two without a counterpart: `store` writes the snapshot of the catalogue beside the file, `load` loads it.
 */
import { open, readFile, writeFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type ByteSink, type CabMember, CabReader } from '#shared/cabinet/index.ts';
import { decodeSnapshot, encodeSnapshot } from '#shared/contract/catalog-snapshot.ts';
import { ColumnarCatalog } from '#shared/core/catalog/columns/columnar-catalog.ts';
import { readPublication } from '#shared/index/index.ts';
import { PackageList } from '#shared/index/package-list.ts';
import { packageXml } from '#shared/index/package-xml.ts';
import { Values } from '#shared/index/values.ts';
import { decodeText } from '#shared/index/xml/decode.ts';
import { XmlReader } from '#shared/index/xml/index.ts';
import { ENCODED, type TokenHandler, Tokenizer } from '#shared/index/xml/tokenizer.ts';

/** What was counted; what a mode does not count is left out. */
export interface RunCounts {
  /** Members of the outer and of all inner cabinets that were met. */
  readonly members?: number;
  /** Bytes of members of inner cabinets that were unpacked. */
  readonly bytes?: number;
  readonly elements?: number;
  readonly attributes?: number;
  /** Bytes of text between tags, references replaced. */
  readonly textBytes?: number;
  readonly updates?: number;
  /** Files with an address. */
  readonly locations?: number;
  /** Of the catalogue: files of updates, those with a SHA-256, references between updates, English titles, KB numbers. */
  readonly payloadFiles?: number;
  readonly sha256s?: number;
  readonly references?: number;
  readonly titles?: number;
  readonly kbs?: number;
}

// As the command line has it (cli/bin.js).
setFlagsFromString('--semi-space-growth-factor=1');

const chunkBytes = 1 << 19;

/** Bytes of a file, in pieces that are valid until the next is asked for: one buffer serves all. */
async function* piecesOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
const isCab = (name: string): boolean => name.toLowerCase().endsWith('.cab');

/** Pushes a file through a reader of nested cabinets; `sinkOf` is asked for the members of inner ones. */
async function readNested(
  file: string,
  wantsCab: (name: string) => boolean,
  sinkOf: (member: CabMember) => ByteSink | undefined,
) {
  let members = 0;
  const count = (member: CabMember): CabMember => {
    members += 1;
    return member;
  };
  const outer = new CabReader({
    onMember: (member) =>
      isCab(count(member).name) && wantsCab(member.name)
        ? new CabReader({ onMember: (inner) => sinkOf(count(inner)) })
        : undefined,
  });
  for await (const chunk of piecesOf(file)) outer.write(chunk);
  outer.end();
  return members;
}

async function packageList(file: string): Promise<RunCounts> {
  const list = new PackageList(new Values());
  const members = await readNested(
    file,
    (name) => name === 'package.cab',
    ({ name }) => new XmlReader('whole', packageXml).begin({ name, state: list }),
  );
  return { members, updates: list.count, locations: list.locations };
}

async function decode(file: string): Promise<RunCounts> {
  let bytes = 0;
  const sink: ByteSink = {
    write: (chunk) => {
      bytes += chunk.length;
    },
    end: () => undefined,
  };
  const members = await readNested(
    file,
    () => true,
    () => sink,
  );
  return { members, bytes };
}

async function publication(file: string, depth: 'facts' | 'everything'): Promise<RunCounts> {
  const { catalog, members } = await readPublication(piecesOf(file), { depth });
  // Counted on the columns: making 138,000 objects is no part of reading.
  if (!(catalog instanceof ColumnarCatalog)) throw new TypeError('the catalogue has no columns');
  const { updates, files } = catalog.columns;
  const count = (numbers: Iterable<number>, holds: (number: number) => boolean): number => {
    let found = 0;
    for (const number of numbers) if (holds(number)) found += 1;
    return found;
  };
  const given = (number: number): boolean => number !== 0;
  return {
    members,
    updates: updates.revisionId.length,
    locations: count(files.url, given),
    payloadFiles: files.known.length,
    sha256s: count(files.known, (known) => (known & 1) !== 0),
    references: updates.bundledBy.values.length + updates.supersededBy.values.length,
    titles: count(updates.title, given),
    kbs: updates.kbs.values.length,
  };
}

async function tokens(file: string): Promise<RunCounts> {
  const counts = { bytes: 0, elements: 0, attributes: 0, textBytes: 0 };
  const tokenizerOf = (whole: boolean): Tokenizer => {
    const handler: TokenHandler = {
      wantsText: true,
      start: () => {
        counts.elements += 1;
        counts.attributes += tokenizer.attributes.count;
        return false;
      },
      end: () => undefined,
      text: (start, end, kind) => {
        counts.textBytes +=
          kind === ENCODED ? Buffer.byteLength(decodeText(tokenizer.buffer, start, end)) : end - start;
      },
    };
    const tokenizer = new Tokenizer(handler, whole);
    return tokenizer;
  };
  const [list, fragment] = [tokenizerOf(true), tokenizerOf(false)];
  const members = await readNested(
    file,
    () => true,
    ({ name }) => {
      if (name !== 'package.xml' && !/^[cxl]\\/.test(name)) return undefined;
      const tokenizer = name === 'package.xml' ? list : fragment;
      tokenizer.reset();
      return {
        write: (chunk) => {
          counts.bytes += chunk.length;
          tokenizer.write(chunk);
        },
        end: () => tokenizer.end(),
      };
    },
  );
  return { members, ...counts };
}

/** Where the snapshot of an index is kept. */
const snapshotOf = (file: string): string => `${file}.kbc.gz`;

async function store(file: string): Promise<RunCounts> {
  const { catalog } = await readPublication(piecesOf(file));
  const zipped = gzipSync(Buffer.concat([...encodeSnapshot(catalog)]));
  await writeFile(snapshotOf(file), zipped);
  return { bytes: zipped.length, updates: catalog.updates.size };
}

async function load(file: string): Promise<RunCounts> {
  const catalog = decodeSnapshot(gunzipSync(await readFile(snapshotOf(file))));
  return { updates: catalog.updates.size, payloadFiles: catalog.files.size };
}

const modes: Readonly<Record<string, (file: string) => Promise<RunCounts>>> = {
  package: packageList,
  decode,
  selective: (file) => publication(file, 'facts'),
  full: (file) => publication(file, 'everything'),
  tokens,
  store,
  load,
};

const [mode = '', file = ''] = process.argv.slice(2);
const run = Object.hasOwn(modes, mode) ? modes[mode] : undefined;
if (run === undefined || file === '') {
  process.stderr.write(`usage: runner.ts ${Object.keys(modes).join('|')} FILE\n`);
  process.exitCode = 2;
} else {
  process.stdout.write(`${JSON.stringify(await run(file))}\n`);
}
