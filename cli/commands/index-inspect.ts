import { createHash } from 'node:crypto';
import { AuthenticodeReader, describeSignature, type SignatureState } from '#shared/authenticode/index.ts';
import type { Catalog, CatalogGap, CatalogUpdate } from '#shared/core/catalog/model.ts';
import type { Publishable } from '#shared/core/catalog/publishable.ts';
import { type CatalogQueries, queryCatalog } from '#shared/core/catalog/queries.ts';
import { type CatalogHead, type UpdateView, viewHead, viewUpdate } from '#shared/core/catalog/view.ts';
import { whyNotMonthly } from '#shared/index/index.ts';
import { readKbNumber, readUpdateName, type UpdateName } from '../ids.ts';
import { readIndexFile } from '../index-file.ts';
import { readTrust, type TrustFlags } from '../index-trust.ts';
import { type CliIo, type ExitCode, exitCodes, formatBytes, printLines } from '../io.ts';

export interface InspectOptions extends TrustFlags {
  /** Path of the index, or of an update package (.msu) that holds one. */
  readonly file: string;
  readonly json: boolean;
  /** Read every fragment to its end and in every language, not just what the catalogue holds. */
  readonly check: boolean;
  /** KB numbers with or without "KB"; empty: all updates. */
  readonly kbs: readonly string[];
  /** An UpdateId, or `<UpdateId>_<revision>`, in either case. */
  readonly updateId?: string;
}

type InspectIo = Pick<CliIo, 'stdout' | 'stderr'>;

interface FileHead extends CatalogHead {
  /** The index inside an update package (.msu), which everything else is about; absent when the file is the index. */
  readonly member?: string;
}

/** Examples shown of each gap; the JSON has up to ten. */
const SHOWN_EXAMPLES = 3;
/** Units listed without a filter. */
const LISTED_UNITS = 20;

/**
 * `kbroker index inspect`: prints what an index file says. Gaps are named and never refused.
 *
 * @returns the exit code
 * @throws CliError `usage` when a KB, an UpdateId or the roots are none; `refused` with one line, when the file is no index at all, or a damaged one
 */
export async function inspectIndex(options: InspectOptions, io: InspectIo): Promise<ExitCode> {
  const hash = createHash('sha256');
  const matches = filterOf(options);
  const signatureReader = new AuthenticodeReader({ policy: await readTrust(options), now: new Date() });
  const { catalog, ...about } = await readIndexFile(options.file, io, {
    depth: options.check ? 'everything' : 'facts',
    onChunk: (chunk) => {
      hash.update(chunk);
      signatureReader.write(chunk);
    },
  });
  const { layout, bytes, members, skipped, member } = about;
  const signature = await signatureReader.end();
  const byCatalog = viewHead(catalog, { sha256: hash.digest('hex'), bytes, layout, members, skipped });
  const head = { ...byCatalog, ...(member !== undefined && { member }), publishable: judge(byCatalog, signature) };
  const queries = queryCatalog(catalog);
  if (options.json) {
    printDocument({ ...head, signature }, viewsOf(catalog, queries, matches), io);
    return exitCodes.ok;
  }
  printLines(io, describeHead(head, signature));
  if (options.check) printLines(io, ['Checked   every fragment, to its end and in every language']);
  const isFiltered = options.kbs.length > 0 || options.updateId !== undefined;
  printLines(
    io,
    isFiltered ? describeMatches([...viewsOf(catalog, queries, matches)]) : describeUnits(catalog, queries),
  );
  return exitCodes.ok;
}

/**
 * Whether a broker with these settings would publish it: its signature, and what it says. That it may be older or far
 * smaller than the current one is known to the broker only.
 */
function judge({ layout, publishable }: CatalogHead, signature: SignatureState): Publishable {
  const reasons: string[] = [];
  if (signature.state !== 'valid') reasons.push(`the signature is not good: ${whyNotGood(signature)}`);
  const notMonthly = whyNotMonthly(layout);
  if (notMonthly !== undefined) reasons.push(notMonthly);
  if (!publishable.ok) reasons.push(publishable.reason);
  return reasons.length === 0 ? { ok: true } : { ok: false, reason: reasons.join('; ') };
}

function whyNotGood(signature: SignatureState): string {
  const words = describeSignature(signature);
  if (signature.state === 'old-algorithm') return `${words}; --allow-sha1 judges as a broker with allowSha1Signatures`;
  if (signature.state === 'untrusted') return `${words}; --index-roots names roots to trust beside Microsoft's`;
  return words;
}

/** One at a time: all views of a whole publication would take some hundred MB. */
function* viewsOf(
  catalog: Catalog,
  queries: CatalogQueries,
  matches: (update: CatalogUpdate) => boolean,
): Generator<UpdateView, void, undefined> {
  for (const update of catalog.updates.values()) if (matches(update)) yield viewUpdate(catalog, queries, update);
}

/** @throws CliError `usage` */
function filterOf(options: InspectOptions): (update: CatalogUpdate) => boolean {
  const kbs = new Set(options.kbs.map(readKbNumber));
  const { updateId, revision }: Partial<UpdateName> =
    options.updateId === undefined ? {} : readUpdateName(options.updateId);
  return (update) =>
    (kbs.size === 0 || update.kbs.some((kb) => kbs.has(kb))) &&
    (updateId === undefined || update.updateId === updateId) &&
    (revision === undefined || update.revision === revision);
}

/** One JSON document, an update a line: a whole publication would be too long for one string. */
function printDocument(
  head: FileHead & { readonly signature: SignatureState },
  updates: Iterable<UpdateView>,
  io: InspectIo,
): void {
  io.stdout.write(`${JSON.stringify(head).slice(0, -1)},"updates":[`);
  let separator = '\n';
  for (const update of updates) {
    io.stdout.write(separator + JSON.stringify(update));
    separator = ',\n';
  }
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

function describeHead(head: FileHead, signature: SignatureState): string[] {
  const { counts } = head;
  const lines = [
    `Index     ${head.layout}, ${formatBytes(head.bytes)}, ${head.members} members${head.member === undefined ? '' : `; it is ${head.member} in this package`}`,
    `SHA-256   ${head.sha256}`,
    `Signature ${describeSignature(signature)}`,
    `Package   ${head.packageId ?? 'without PackageId'}, ${head.createdAt === undefined ? 'undated' : `created ${head.createdAt}`}`,
    `Updates   ${counts.updates}: ${counts.units} to install, ${counts.leaves} parts of bundles, ${counts.evaluated} categories and detectoids`,
    `Files     ${counts.files}, ${formatBytes(counts.payloadBytes)}`,
  ];
  for (const { name, members } of head.skipped) lines.push(`Skipped   ${name}: ${members} members of no known kind`);
  if (head.gaps.length === 0) lines.push('Gaps      none');
  for (const gap of head.gaps) lines.push(`Gap       ${describeGap(gap)}`);
  lines.push(
    `Publish   ${head.publishable.ok ? 'yes, unless it is older or far smaller than the current one' : `refused: ${head.publishable.reason}`}`,
  );
  return lines;
}

/** A publication has no FileLocations once; every other gap is counted. */
function describeGap({ code, count, examples }: CatalogGap): string {
  if (code === 'no-file-locations') return gapWords[code];
  const shown = examples.slice(0, SHOWN_EXAMPLES);
  return `${gapWords[code]}: ${count} (${shown.join(', ')}${count > shown.length ? ' …' : ''})`;
}

function describeUnits(catalog: Catalog, queries: CatalogQueries): string[] {
  const units = queries
    .units()
    .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
  const lines = units.slice(0, LISTED_UNITS).map((unit) => `  ${headline(viewUpdate(catalog, queries, unit))}`);
  const more = units.length - lines.length;
  if (more > 0) lines.push(`  and ${more} older ones; --kb and --update select, --json prints all`);
  return lines.length === 0 ? [] : ['', 'Newest updates', ...lines];
}

const kbNames = (kbs: readonly string[]): string =>
  kbs.length === 0 ? 'no KB' : kbs.map((kb) => `KB${kb}`).join(', ');

const headline = (update: UpdateView): string =>
  `${update.createdAt.slice(0, 10)}  ${kbNames(update.kbs)}  ${update.severity ?? 'unrated'}  ${update.title ?? 'untitled'}`;

function describeMatches(updates: readonly UpdateView[]): string[] {
  if (updates.length === 0) return ['', 'No update of this index matches.'];
  return updates.flatMap((update) => ['', ...describeUpdate(update)]);
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
