import { classifications, type Detectoid, detectoids, type Product, products } from '../windows-ids.ts';
import type { Bundle, Entry, Evaluated, Leaf } from './model.ts';
import { type Month, measuredMonth, publicationTime } from './month.ts';
import { Row } from './random.ts';
import type { WorldOptions } from './world.ts';

interface Line {
  readonly name: string;
  readonly build: number;
  readonly product: Product;
  readonly detectoid: Detectoid;
}

/** Product lines that the Unified Update Platform services, by names and builds as the index spells them. */
const lines: readonly Line[] = [
  { name: 'Client.OS.RS2.AMD64', build: 26_100, product: 'windows11', detectoid: 'clientOsAmd64' },
  { name: 'Server.OS.amd64', build: 26_100, product: 'server2025', detectoid: 'serverOsAmd64' },
  { name: 'Client.OS.RS2.AMD64', build: 26_200, product: 'windows11', detectoid: 'clientOsAmd64' },
  { name: 'Client.OS.RS2.ARM64', build: 26_100, product: 'windows11', detectoid: 'windows10Rs3' },
  { name: 'Client.OS.RS2.AMD64', build: 22_631, product: 'windows11', detectoid: 'clientOsAmd64' },
  { name: 'Client.OS.RS2.ARM64', build: 22_631, product: 'windows11', detectoid: 'windows10Rs3' },
  { name: 'Microsoft.NetFX.amd64', build: 9334, product: 'windows11', detectoid: 'clientOsAmd64' },
  { name: 'Microsoft.NetFX.arm64', build: 9334, product: 'windows11', detectoid: 'windows10Rs3' },
  { name: 'Server.OS.amd64', build: 25_398, product: 'server2025', detectoid: 'serverOsAmd64' },
];
const measuredBundles = 252;
/** Of so many bundles in a hundred there is a second leaf. */
const secondLeafPercent = 37;
/** Above those of all other updates. */
const firstIndex = 10_000_000;
const firstFile = 2 ** 40;

/** Files of one month that several leaves share, such as the image of what all editions have in common. */
const sharedFile = (month: Month, place: number): number => firstFile + month * 64 + place;
const ownFile = (month: Month, line: number, leaf: number, place: number): number =>
  firstFile + 2 ** 20 + ((month * 16 + line) * 2 + leaf) * 32 + place;

/**
 * Updates of the first detail cabinet, and the categories and detectoids that it repeats: their identities are stable, but
 * each publication numbers them anew, from 1 on.
 */
export function renumberedEntries(options: WorldOptions, commonlyUsed: readonly Evaluated[]): Entry[] {
  const { seed, month, scale } = options;
  const count = Math.max(1, Math.round(lines.length * scale));
  const total = Math.max(2, Math.round(measuredBundles * scale));
  const since = measuredMonth - Math.ceil(total / count) + 1;
  const entries: Entry[] = commonlyUsed
    .slice(0, Math.max(4, Math.round(commonlyUsed.length * scale)))
    // A revision of its own: the pair of UpdateId and revision names one entry of a publication.
    .map((evaluated) => ({ ...evaluated, revision: evaluated.revision + 1, createdAt: publicationTime(since) }));
  for (let line = 0; line < count; line++) {
    const series: Bundle[] = [];
    for (let published = since; published <= month; published++) {
      const bundle = bundleOf(seed, line, published, series, commonlyUsed);
      if (bundle !== undefined) entries.push(bundle, ...bundle.leaves);
    }
  }
  const row = new Row(seed, month, 0x5aff1e);
  for (let i = entries.length - 1; i > 0; i--) {
    const other = row.below(i + 1);
    [entries[i], entries[other]] = [entries[other] as Entry, entries[i] as Entry];
  }
  for (const [i, entry] of entries.entries()) entry.revisionId = i + 1;
  return entries;
}

function bundleOf(
  seed: number,
  lineNumber: number,
  month: Month,
  series: Bundle[],
  commonlyUsed: readonly Evaluated[],
): Bundle | undefined {
  const line = lines[lineNumber];
  const product = commonlyUsed.find(({ updateId }) => line !== undefined && updateId === products[line.product]);
  if (line === undefined || product === undefined) return undefined;
  const row = new Row(seed, lineNumber, month, 0x0b5e);
  const common = [[detectoids[line.detectoid]], [detectoids.windows10Rs3]];
  const bundle: Bundle = {
    kind: 'bundle',
    index: firstIndex + lineNumber * 100_000 + month,
    uup: true,
    payload: 'uup',
    updateId: row.guid(),
    revision: 100,
    revisionId: 0,
    createdAt: publicationTime(month),
    kb: 5_200_000 + (month - 2000 * 12) * 100 + lineNumber,
    product,
    classification: classifications.security,
    clauses: [[product.updateId], [classifications.security], ...common],
    release: { name: line.name, version: `10.0.${line.build}.${(month - 2000 * 12) * 25 + row.below(25)}` },
    leaves: [],
    series,
    ordinal: series.length,
    languages: 37,
  };
  series.push(bundle);
  const leaves = row.percent(secondLeafPercent) ? 2 : 1;
  for (let place = 0; place < leaves; place++) {
    bundle.leaves.push(leafOf(bundle, lineNumber, month, place, row));
  }
  return bundle;
}

function leafOf(owner: Bundle, line: number, month: Month, place: number, row: Row): Leaf {
  // 14 to 19 files, more than half of them its own.
  const own = Array.from({ length: 8 + row.below(3) }, (_, i) => ownFile(month, line, place, i));
  const shared = Array.from({ length: 6 + row.below(4) }, (_, i) => sharedFile(month, i));
  return {
    kind: 'leaf',
    owner,
    place,
    updateId: row.guid(),
    revision: 100,
    revisionId: 0,
    createdAt: owner.createdAt,
    bundledBy: [owner],
    files: [...own, ...shared],
    clauses: owner.clauses,
    fileLanguages: [],
    metadataBytes: 0,
  };
}
