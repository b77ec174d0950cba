/**
 * `catalog/v2/<sha256 of the index>.kbc.gz`: a whole catalogue in columns, as docs/catalog-snapshot.md describes it.
 * Only the broker's own functions read it; its version is part of the key and of the file.
 */
import * as z from 'zod/mini';
import { ColumnarCatalog } from '../core/catalog/columns/columnar-catalog.ts';
import { packCatalog } from '../core/catalog/columns/pack.ts';
import type { Catalog, CatalogGap } from '../core/catalog/model.ts';
import { checkColumns, SnapshotError } from './catalog-snapshot-check.ts';
import {
  columnsOf,
  makers,
  type SectionArray,
  type SectionName,
  type Sections,
  sectionsOf,
  snapshotSections,
} from './catalog-snapshot-layout.ts';
import { byteCount, sha256 } from './primitives.ts';

const magic = 'kbcatlog';
const version = 2;
/** Sections begin at multiples of this, so that they can be read where they lie. */
const alignment = 8;

/** Spelt as a map so that a gap code of the model that is missing here does not compile. */
const gapCodes = {
  'fragment-missing': 'fragment-missing',
  'location-missing': 'location-missing',
  'file-facts-missing': 'file-facts-missing',
  'file-facts-conflict': 'file-facts-conflict',
  'identity-mismatch': 'identity-mismatch',
  'dangling-superseder': 'dangling-superseder',
  'dangling-bundle': 'dangling-bundle',
  'no-file-locations': 'no-file-locations',
  'no-kb': 'no-kb',
} as const satisfies { readonly [Code in CatalogGap['code']]: Code };

/** What stands before the sections, as JSON. */
export const catalogSnapshotHead = z.object({
  version: z.literal(version),
  packageId: z.exactOptional(z.string()),
  createdAt: z.exactOptional(z.string()),
  gaps: z.array(z.object({ code: z.enum(gapCodes), count: z.int(), examples: z.array(z.string()) })),
  cabs: z.array(z.object({ name: z.string(), sha256, bytes: byteCount, reusable: z.boolean() })),
  /** Numbers of values (not bytes), in the order in which the sections follow. */
  sections: z.array(z.object({ name: z.string(), type: z.enum(['u8', 'u16', 'u32', 'f64']), length: byteCount })),
});
type Head = z.infer<typeof catalogSnapshotHead>;

/**
 * The snapshot in pieces, which are views of the catalogue's columns. One catalogue has one spelling.
 *
 * @throws RangeError when a GUID, digest or KB number is none
 */
export function* encodeSnapshot(catalog: Catalog): Generator<Uint8Array, void, undefined> {
  const columns = packCatalog(catalog);
  const sections = sectionsOf(columns);
  const names = Object.keys(snapshotSections) as SectionName[];
  const head: Head = {
    version,
    ...(columns.packageId === undefined ? {} : { packageId: columns.packageId }),
    ...(columns.createdAt === undefined ? {} : { createdAt: columns.createdAt }),
    gaps: columns.gaps.map(({ code, count, examples }) => ({ code, count, examples: [...examples] })),
    cabs: columns.cabs.map(({ name, sha256: digest, bytes, reusable }) => ({ name, sha256: digest, bytes, reusable })),
    sections: names.map((name) => ({ name, type: snapshotSections[name], length: sections[name].length })),
  };
  const json = new TextEncoder().encode(JSON.stringify(z.parse(catalogSnapshotHead, head)));
  const begin = new Uint8Array(16);
  begin.set(new TextEncoder().encode(magic));
  new DataView(begin.buffer).setUint32(8, version, true);
  new DataView(begin.buffer).setUint32(12, json.length, true);
  yield begin;
  yield json;
  yield padding(json.length);
  for (const name of names) {
    const { buffer, byteOffset, byteLength } = sections[name];
    yield new Uint8Array(buffer, byteOffset, byteLength);
    yield padding(byteLength);
  }
}

/**
 * The catalogue of a snapshot. Its columns lie in `bytes`, which the catalogue keeps and nobody may change.
 *
 * @throws SnapshotError whatever is wrong with the bytes; `cause` says more when it was the head
 */
export function decodeSnapshot(bytes: Uint8Array): Catalog {
  const aligned = bytes.byteOffset % alignment === 0 ? bytes : new Uint8Array(bytes);
  const view = new DataView(aligned.buffer, aligned.byteOffset, aligned.byteLength);
  if (aligned.length < 16 || new TextDecoder().decode(aligned.subarray(0, 8)) !== magic) {
    throw new SnapshotError('it does not begin as a snapshot does');
  }
  const found = view.getUint32(8, true);
  if (found !== version) throw new SnapshotError(`it has version ${found}, only ${version} is read`);
  const jsonLength = view.getUint32(12, true);
  if (16 + jsonLength > aligned.length) throw new SnapshotError('it ends inside its head');
  const { version: _, sections, ...about } = readHead(aligned.subarray(16, 16 + jsonLength));
  return new ColumnarCatalog(checkColumns(columnsOf(about, readSections(aligned, 16 + padded(jsonLength), sections))));
}

function readHead(bytes: Uint8Array): Head {
  try {
    const json = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(bytes);
    return z.parse(catalogSnapshotHead, JSON.parse(json));
  } catch (cause) {
    throw new SnapshotError('its head is not what the head of a snapshot is', { cause });
  }
}

function readSections(bytes: Uint8Array, start: number, listed: Head['sections']): Sections {
  const sections = new Map<string, SectionArray>();
  let at = start;
  for (const { name, type, length } of listed) {
    if (sections.has(name)) throw new SnapshotError(`it has its section ${JSON.stringify(name)} twice`);
    const Make = makers[type];
    const next = at + padded(length * Make.BYTES_PER_ELEMENT);
    if (next > bytes.length) throw new SnapshotError(`it ends inside its section ${JSON.stringify(name)}`);
    sections.set(name, new Make(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, length));
    at = next;
  }
  if (at < bytes.length) throw new SnapshotError(`it goes on for ${bytes.length - at} bytes behind its last section`);
  for (const [name, type] of Object.entries(snapshotSections)) {
    if (!(sections.get(name) instanceof makers[type])) {
      throw new SnapshotError(`it has no section ${name} of type ${type}`);
    }
  }
  return Object.fromEntries(sections) as Sections;
}

const padded = (length: number): number => Math.ceil(length / alignment) * alignment;
const padding = (length: number): Uint8Array => new Uint8Array(padded(length) - length);
