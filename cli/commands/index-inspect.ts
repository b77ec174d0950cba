import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import {
  AuthenticodeReader,
  describeSignature,
  microsoftRoots,
  type SignatureState,
} from '#shared/authenticode/index.ts';
import type { Catalog, CatalogGap, CatalogUpdate } from '#shared/core/catalog/model.ts';
import { type CatalogQueries, queryCatalog } from '#shared/core/catalog/queries.ts';
import { type CatalogHead, type UpdateView, viewHead, viewUpdate } from '#shared/core/catalog/view.ts';
import { IndexError, type IndexProgress, type Publication, readPublication } from '#shared/index/index.ts';
import { type CliIo, exitCodes, formatBytes } from '../io.ts';

export interface InspectOptions {
  /** Path of the index. */
  readonly file: string;
  readonly json: boolean;
  /** KB numbers with or without "KB"; empty: all updates. */
  readonly kbs: readonly string[];
  /** An UpdateId, or `<UpdateId>_<revision>`, in either case. */
  readonly updateId?: string;
}

type InspectIo = Pick<CliIo, 'stdout' | 'stderr'>;

/** From this size on a terminal is shown how far the reading is. */
const PROGRESS_FROM_BYTES = 20_000_000;
const CHUNK_BYTES = 1 << 20;
/** Examples shown of each gap; the JSON has up to ten. */
const SHOWN_EXAMPLES = 3;
/** Units listed without a filter. */
const LISTED_UNITS = 20;

/**
 * `kbroker index inspect`: prints what an index file says. Gaps are named and never refused; only what is no index at
 * all, or a damaged one, ends with a line on stderr and exit code 1.
 *
 * @returns the exit code
 */
export async function inspectIndex(options: InspectOptions, io: InspectIo): Promise<number> {
  let read: IndexFile;
  try {
    read = await readHashed(options.file, io);
  } catch (error) {
    const reason = failure(error);
    if (reason === undefined) throw error;
    io.stderr.write(`kbroker: ${options.file}: ${reason}\n`);
    return exitCodes.failed;
  }
  const { catalog, layout, bytes, members, skipped } = read.publication;
  const head = viewHead(catalog, { sha256: read.sha256, bytes, layout, members, skipped });
  const queries = queryCatalog(catalog);
  const matching = [...catalog.updates.values()].filter(filterOf(options));
  if (options.json) {
    printDocument(
      { ...head, signature: read.signature },
      matching,
      (update) => viewUpdate(catalog, queries, update),
      io,
    );
  } else {
    io.stdout.write(describeHead(head, read.signature));
    io.stdout.write(
      options.kbs.length > 0 || options.updateId !== undefined
        ? describeMatches(matching.map((update) => viewUpdate(catalog, queries, update)))
        : describeUnits(catalog, queries),
    );
  }
  return exitCodes.ok;
}

interface IndexFile {
  readonly publication: Publication;
  readonly sha256: string;
  /** Judged by Microsoft's roots and the present; old algorithms are named, not refused. */
  readonly signature: SignatureState;
}

async function readHashed(file: string, io: InspectIo): Promise<IndexFile> {
  const { size } = await stat(file);
  const hash = createHash('sha256');
  const policy = { roots: microsoftRoots, allowSha1: true };
  const signature = new AuthenticodeReader({ policy, now: new Date() });
  const progress = io.stderr.isTTY === true && size >= PROGRESS_FROM_BYTES ? progressLine(size, io) : undefined;
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
      hash.update(chunk);
      signature.write(chunk);
      yield chunk;
    }
  }
  try {
    const publication = await readPublication(hashed(), progress === undefined ? {} : { onProgress: progress });
    return { publication, sha256: hash.digest('hex'), signature: await signature.end() };
  } finally {
    // The line of the progress is wiped, whatever comes next.
    if (progress !== undefined) io.stderr.write('\r\u001b[K');
  }
}

function progressLine(total: number, io: InspectIo): (progress: IndexProgress) => void {
  let shown = -1;
  return ({ bytes, members }) => {
    const percent = Math.floor((bytes / total) * 100);
    if (percent === shown) return;
    shown = percent;
    io.stderr.write(`\rreading ${percent} % of ${formatBytes(total)}, ${members} members`);
  };
}

/** One line for faults of the file; `undefined` for faults of this program. */
function failure(error: unknown): string | undefined {
  if (error instanceof IndexError) return error.message;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  switch (error.code) {
    case 'ENOENT':
      return 'no such file';
    case 'EISDIR':
      return 'is a folder, not a file';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read';
    default:
      return undefined;
  }
}

function filterOf(options: InspectOptions): (update: CatalogUpdate) => boolean {
  const kbs = new Set(options.kbs.map((kb) => kb.trim().replace(/^kb/i, '')));
  const [updateId, revision] = options.updateId?.trim().toLowerCase().split('_') ?? [];
  return (update) =>
    (kbs.size === 0 || update.kbs.some((kb) => kbs.has(kb))) &&
    (updateId === undefined || update.updateId === updateId) &&
    (revision === undefined || String(update.revision) === revision);
}

/** One JSON document, an update a line: a whole publication would be too long for one string. */
function printDocument(
  head: CatalogHead & { readonly signature: SignatureState },
  updates: readonly CatalogUpdate[],
  view: (update: CatalogUpdate) => UpdateView,
  io: InspectIo,
): void {
  io.stdout.write(`${JSON.stringify(head).slice(0, -1)},"updates":[`);
  updates.forEach((update, index) => {
    io.stdout.write(`${index === 0 ? '\n' : ',\n'}${JSON.stringify(view(update))}`);
  });
  io.stdout.write('\n]}\n');
}

const gapWords: Readonly<Record<CatalogGap['code'], string>> = {
  'fragment-missing': 'updates lacking a fragment that decides about them',
  'location-missing': 'payload files without a location (FileLocation)',
  'file-facts-missing': 'payload files without name and size',
  'file-facts-conflict': 'payload files with contradicting sizes or SHA-256 digests',
  'identity-mismatch': 'updates with another identity in their core fragment than in package.xml (which counts)',
  'dangling-superseder': 'updates superseded by one that this index lacks',
  'dangling-bundle': 'parts of bundles that this index lacks',
  'no-file-locations': 'no FileLocation at all, so no payload file could be fetched',
  'no-kb': 'installable updates without a KB number',
};

function describeHead(head: CatalogHead, signature: SignatureState): string {
  const { counts } = head;
  const lines = [
    `Index     ${head.layout}, ${formatBytes(head.bytes)}, ${head.members} members`,
    `SHA-256   ${head.sha256}`,
    `Signature ${describeSignature(signature)}`,
    `Package   ${head.packageId ?? 'without PackageId'}, ${head.createdAt === undefined ? 'undated' : `created ${head.createdAt}`}`,
    `Updates   ${counts.updates}: ${counts.units} to install, ${counts.leaves} parts of bundles, ${counts.evaluated} categories and detectoids`,
    `Files     ${counts.files}, ${formatBytes(counts.payloadBytes)}`,
  ];
  for (const { name, members } of head.skipped) lines.push(`Skipped   ${name}: ${members} members of no known kind`);
  if (head.gaps.length === 0) lines.push('Gaps      none');
  for (const gap of head.gaps) lines.push(`Gap       ${describeGap(gap)}`);
  lines.push(`Publish   ${head.publishable.ok ? 'yes' : `refused: ${head.publishable.reason}`}`);
  return `${lines.join('\n')}\n`;
}

/** A publication has no FileLocations once; every other gap is counted. */
function describeGap({ code, count, examples }: CatalogGap): string {
  if (code === 'no-file-locations') return gapWords[code];
  const shown = examples.slice(0, SHOWN_EXAMPLES);
  return `${gapWords[code]}: ${count} (${shown.join(', ')}${count > shown.length ? ' …' : ''})`;
}

function describeUnits(catalog: Catalog, queries: CatalogQueries): string {
  const units = queries
    .units()
    .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
  const lines = units.slice(0, LISTED_UNITS).map((unit) => `  ${headline(viewUpdate(catalog, queries, unit))}`);
  const more = units.length - lines.length;
  if (more > 0) lines.push(`  and ${more} older ones; --kb and --update select, --json prints all`);
  return lines.length === 0 ? '' : `\nNewest updates\n${lines.join('\n')}\n`;
}

const kbNames = (kbs: readonly string[]): string =>
  kbs.length === 0 ? 'no KB' : kbs.map((kb) => `KB${kb}`).join(', ');

const headline = (update: UpdateView): string =>
  `${update.createdAt.slice(0, 10)}  ${kbNames(update.kbs)}  ${update.severity ?? 'unrated'}  ${update.title ?? 'untitled'}`;

function describeMatches(updates: readonly UpdateView[]): string {
  if (updates.length === 0) return '\nNo update of this index matches.\n';
  return updates.map((update) => `\n${describeUpdate(update).join('\n')}\n`).join('');
}

function describeUpdate(update: UpdateView): string[] {
  const lines = [
    headline(update),
    `  id           ${update.updateId}, revision ${update.revision} (RevisionId ${update.revisionId})`,
  ];
  const add = (label: string, values: readonly string[]): void => {
    if (values.length > 0) lines.push(`  ${label.padEnd(12)} ${values.join(', ')}`);
  };
  const names = (list: readonly { id: string; title?: string }[]): string[] => list.map(({ id, title }) => title ?? id);
  const references = (list: UpdateView['supersedes']): string[] =>
    list.map(({ updateId, revision, kbs }) => `${kbs.length === 0 ? '' : `${kbNames(kbs)} `}${updateId}_${revision}`);
  add('kind', [update.type, update.action, ...(update.isBundle ? ['bundle'] : [])]);
  add('class', update.classification === undefined ? [] : names([update.classification]));
  add('products', names(update.products));
  add('families', names(update.families));
  add('bulletins', update.bulletins);
  add('CVEs', update.cves);
  add('reboot', update.reboot === undefined ? [] : [update.reboot]);
  add('replaced by', references(update.supersededBy));
  add('replaces', references(update.supersedes));
  add('part of', references(update.bundledBy));
  for (const file of update.files) {
    lines.push(
      `  file         ${file.name ?? 'unnamed'}, ${file.size === undefined ? 'size unknown' : formatBytes(file.size)}`,
      `               SHA-1 ${file.sha1}, SHA-256 ${file.sha256 ?? 'not given'}`,
      `               ${file.url ?? 'no location'}`,
    );
  }
  return lines;
}
