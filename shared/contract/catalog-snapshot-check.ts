import type { CatalogColumns } from '../core/catalog/columns/columns.ts';
import { packFlags, unpackFlags } from '../core/catalog/columns/columns.ts';
import type { Lists } from '../core/catalog/columns/growing.ts';
import type { Texts } from '../core/catalog/columns/pools.ts';
import type { SectionArray } from './catalog-snapshot-layout.ts';

/** What is wrong with bytes that are no snapshot of this version. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

/**
 * Every length, every reference and every value that not all numbers of its column are, so that nothing that is read later
 * can be out of bounds or mean something that no catalogue says.
 *
 * @throws SnapshotError
 */
export function checkColumns(columns: CatalogColumns): CatalogColumns {
  checkTexts(columns.texts);
  must(columns.guids.length % 16 === 0, 'guids');
  checkFiles(columns);
  checkUpdates(columns);
  return columns;
}

function must(ok: boolean, what: string): void {
  if (!ok) throw new SnapshotError(`its ${what} does not fit the rest`);
}

function allBelow(values: SectionArray, limit: number, what: string): void {
  let most = -1;
  for (let i = 0; i < values.length; i++) if ((values[i] as number) > most) most = values[i] as number;
  must(most < limit, what);
}

function ascending(values: SectionArray, what: string, strictly = false): void {
  for (let i = 1; i < values.length; i++) {
    const step = (values[i] as number) - (values[i - 1] as number);
    if (step < 0 || (strictly && step === 0)) must(false, what);
  }
}

function checkLists({ ends, values }: Lists, rows: number, what: string): void {
  must(ends.length === rows, `${what}.ends`);
  ascending(ends, `${what}.ends`);
  must((ends.at(-1) ?? 0) === values.length, `${what}.values`);
}

/** Bytes decoded at a time: the texts of a whole index have some 21 MB. */
const PIECE = 1 << 16;

function checkTexts({ ends, bytes }: Texts): void {
  ascending(ends, 'texts.ends');
  must((ends.at(-1) ?? 0) === bytes.length, 'texts.bytes');
  // All of them together are UTF-8, and none begins within a character.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
  try {
    for (let at = 0; at < bytes.length; at += PIECE) decoder.decode(bytes.subarray(at, at + PIECE), { stream: true });
    decoder.decode();
  } catch (cause) {
    throw new SnapshotError('its texts.bytes are not UTF-8', { cause });
  }
  for (const end of ends) must(((bytes[end] ?? 0) & 0xc0) !== 0x80, 'texts.ends');
}

function checkFiles({ files, texts }: CatalogColumns): void {
  const rows = files.known.length;
  must(files.sha1.length === rows * 20, 'files.sha1');
  must(files.sha256.length === rows * 32, 'files.sha256');
  for (const name of ['size', 'name', 'url'] as const) must(files[name].length === rows, `files.${name}`);
  for (let row = 1; row < rows; row++) must(isBefore(files.sha1, row - 1, row), 'files.sha1');
  allBelow(files.known, 4, 'files.known');
  for (let row = 0; row < rows; row++) {
    const size = files.size[row] as number;
    const isKnown = ((files.known[row] as number) & 2) !== 0;
    must(isKnown ? Number.isSafeInteger(size) && size >= 0 : size === 0, 'files.size');
  }
  allBelow(files.name, texts.ends.length + 1, 'files.name');
  allBelow(files.url, texts.ends.length + 1, 'files.url');
}

/** Whether the SHA-1 of one row comes before that of another. */
function isBefore(sha1s: Uint8Array, row: number, other: number): boolean {
  for (let i = 0; i < 20; i++) {
    const difference = (sha1s[row * 20 + i] as number) - (sha1s[other * 20 + i] as number);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function checkUpdates(columns: CatalogColumns): void {
  const { updates, texts } = columns;
  const rows = updates.revisionId.length;
  const guids = columns.guids.length / 16;
  const textCount = texts.ends.length;
  ascending(updates.revisionId, 'updates.revisionId', true);
  for (const name of ['guid', 'revision', 'flags', 'cab', 'created', 'title', 'classification'] as const) {
    must(updates[name].length === rows, `updates.${name}`);
  }
  allBelow(updates.guid, guids, 'updates.guid');
  allBelow(updates.classification, guids + 1, 'updates.classification');
  allBelow(updates.created, textCount, 'updates.created');
  allBelow(updates.title, textCount + 1, 'updates.title');
  allBelow(updates.cab, columns.cabs.length + 1, 'updates.cab');
  checkFlags(updates.flags);
  const limits = {
    products: guids,
    families: guids,
    companies: guids,
    payload: columns.files.known.length,
    kbs: textCount,
    bulletins: textCount,
    cves: textCount,
  };
  for (const [name, limit] of Object.entries(limits) as [keyof typeof limits, number][]) {
    checkLists(updates[name], rows, `updates.${name}`);
    allBelow(updates[name].values, limit, `updates.${name}.values`);
  }
  for (const name of ['bundledBy', 'supersededBy'] as const) {
    checkLists(updates[name], rows, `updates.${name}`);
    must(
      updates[name].values.every((id) => isAmong(updates.revisionId, id)),
      `updates.${name}.values`,
    );
  }
  checkLists(updates.prerequisites, rows, 'updates.prerequisites');
  must(clausesFit(updates.prerequisites, guids), 'updates.prerequisites.values');
  const { payload, payloadName, payloadSource } = updates;
  must(payloadName.length === payload.values.length, 'updates.payloadName');
  must(payloadSource.length === payload.values.length, 'updates.payloadSource');
  allBelow(payloadName, textCount + 1, 'updates.payloadName');
  for (let at = 0; at < payloadSource.length; at++) {
    const source = payloadSource[at];
    must(source === 0 || source === 1 || source === 3, 'updates.payloadSource');
    // Who describes a file names it, and nobody else does.
    must((source === 0) === (payloadName[at] === 0), 'updates.payloadName');
  }
}

/** Of the bits some patterns mean nothing; there are few different ones. */
function checkFlags(flags: Uint16Array): void {
  const known = new Uint8Array(1 << 16);
  for (const packed of flags) {
    if (known[packed] === 1) continue;
    must(packFlags(unpackFlags(packed)) === packed, 'updates.flags');
    known[packed] = 1;
  }
}

/** Whether ascending numbers have this one. */
function isAmong(numbers: Uint32Array, wanted: number): boolean {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === wanted;
}

/** Whether the lists consist of clauses, each the number of its ids and these. */
function clausesFit({ ends, values }: Lists, guids: number): boolean {
  let at = 0;
  for (let row = 0; row < ends.length; row++) {
    const end = ends[row] as number;
    while (at < end) {
      const until = at + 1 + (values[at] as number);
      if (until > end) return false;
      for (at += 1; at < until; at++) if ((values[at] as number) >= guids) return false;
    }
  }
  return true;
}
