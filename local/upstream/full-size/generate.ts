import { rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { CabWriter } from '#shared/cabinet/testing/cab-writer.ts';
import { FileTarget } from '#shared/cabinet/testing/file-target.ts';
import { compression } from './cabs.ts';
import { answersInOrder } from './in-order.ts';
import type { World } from './model.ts';
import type { ListCounts } from './package-list.ts';
import type { CabAnswer } from './shard-worker.ts';
import { inventWorld, type WorldOptions } from './world.ts';

export interface GenerateOptions extends WorldOptions {
  /** Path of the index; what is there is replaced when all went well. */
  readonly out: string;
  /** Threads that make inner cabinets; the bytes do not depend on it. @default one for each processor */
  readonly workers?: number;
  /** Called after each inner cabinet. */
  readonly onProgress?: (progress: { readonly cabs: number; readonly of: number; readonly bytes: number }) => void;
}

/** What was generated, counted by those who wrote it. */
export interface Generated extends ListCounts {
  readonly packageId: string;
  /** Bytes of the index, of package.xml, and of all members of the inner cabinets. */
  readonly bytes: number;
  readonly packageXmlBytes: number;
  readonly unpackedBytes: number;
  readonly innerCabs: number;
  /** Members of all inner cabinets. */
  readonly innerFiles: number;
  /** Bytes of core fragments: the median, the 99th of a hundred, the largest, and how many are large. */
  readonly core: {
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
    readonly over1MB: number;
    readonly over32MiB: number;
  };
}

/** Generates an index as large as a real one, or a share of it. The same options give the same bytes. */
export async function generateIndex(options: GenerateOptions): Promise<Generated> {
  const world = inventWorld(options);
  const part = `${options.out}.part`;
  const target = new FileTarget(part);
  try {
    const generated = await written(world, options, target);
    await rename(part, options.out);
    return generated;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** Writes the index and closes the file, once, whatever happens. */
async function written(world: World, options: GenerateOptions, target: FileTarget): Promise<Generated> {
  try {
    return await writeIndex(world, options, target);
  } finally {
    target.close();
  }
}

async function writeIndex(world: World, options: GenerateOptions, target: FileTarget): Promise<Generated> {
  const names = ['package.cab', ...world.shards.map(({ name }) => name)];
  const writer = new CabWriter(target, {
    folders: [['index.xml', ...names].map((name) => ({ name, modified: world.createdAt }))],
    compression,
    // What a signature needs to be put in later.
    reserve: { header: 20 },
  });
  writer.write(Buffer.from(indexXml(world)));
  writer.endMember();
  const sums = { innerFiles: 0, unpackedBytes: 0, packageXmlBytes: 0 };
  const coreBytes: number[] = [];
  let counts: ListCounts | undefined;
  let written = 0;
  for await (const cab of innerCabs(names.length, options)) {
    if (cab.counts !== undefined) {
      counts = cab.counts;
      sums.packageXmlBytes = cab.unpackedBytes;
    }
    sums.innerFiles += cab.members;
    sums.unpackedBytes += cab.unpackedBytes;
    for (const bytes of cab.coreBytes) coreBytes.push(bytes);
    writer.write(cab.bytes);
    writer.endMember();
    written += cab.bytes.length;
    options.onProgress?.({ cabs: cab.number + 1, of: names.length, bytes: written });
  }
  const bytes = writer.end();
  if (counts === undefined) throw new Error('package.cab was not made');
  coreBytes.sort((a, b) => a - b);
  const quantile = (share: number): number => coreBytes[Math.floor((coreBytes.length - 1) * share)] ?? 0;
  return {
    packageId: world.packageId,
    ...counts,
    bytes,
    ...sums,
    innerCabs: names.length,
    core: {
      p50: quantile(0.5),
      p99: quantile(0.99),
      max: quantile(1),
      over1MB: coreBytes.filter((length) => length > 1_000_000).length,
      over32MiB: coreBytes.filter((length) => length > 2 ** 25).length,
    },
  };
}

function indexXml({ shards }: World): string {
  const cabs = shards.map(
    ({ name, rangeStart }, i) => `<CAB NAME="${name}" RANGESTART="${rangeStart}"${i === 0 ? ' FILESDIR="1"' : ''} />`,
  );
  return `<INDEX VERSION="1"><CABLIST XOR="0"><CAB NAME="package.cab" />${cabs.join('')}</CABLIST></INDEX>`;
}

/** The inner cabinets in order, made by several threads. */
function innerCabs(count: number, { seed, month, scale, workers }: GenerateOptions): AsyncGenerator<CabAnswer> {
  return answersInOrder<CabAnswer>(new URL('./shard-worker.ts', import.meta.url), {
    count,
    threads: Math.max(1, Math.min(count, workers ?? availableParallelism())),
    workerData: { seed, month, scale } satisfies WorldOptions,
  });
}
