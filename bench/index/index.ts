import { join } from 'node:path';
import { build } from 'esbuild';
import type { Bench, BenchContext, BenchRow } from '../kit/bench.ts';
import { measureProcess, median, type ProcessCost } from '../kit/measure.ts';
import { assertAgree } from './counts.ts';
import { growthOf } from './growth.ts';
import { type IndexFile, indexFile } from './input.ts';
import { parseOptions } from './options.ts';
import { buildPeer } from './peer.ts';
import type { RunCounts } from './runner.ts';

const modes = ['package', 'decode', 'selective', 'full'] as const;
type Mode = (typeof modes)[number];

/** Costs of several runs, by their middle values, and what was counted in each. */
interface Measured {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly peakRssBytes: number;
  readonly counts: RunCounts;
}

/** Goals are for the full size: a small index is read in less time than Node takes to start. */
const ratioGoal = { atMost: 0.6 };
const rssGoal = { atMost: 256 };
const growthGoal = { atMost: 1.1 };
/** Seconds of CPU. */
const snapshotGoal = { atMost: 1 };
/** Of the indexes that growth is measured on. */
const smallerBy = { small: 8, tiny: 256 };

export const indexBench: Bench = {
  name: 'index',
  summary: 'reads an invented index of full size, against libmspack and expat in C',
  options: [
    '--scale 1/8   share of a real publication; goals are judged at 1 only [1]',
    '--seed N      of the invented index [1]',
    '--runs N      of each mode; the middle value counts [1]',
  ],
  run,
};

async function run(context: BenchContext): Promise<readonly BenchRow[]> {
  const options = parseOptions(context.args);
  const peer = await buildPeer(context);
  const runner = await bundleRunner(context);
  const index = await indexFile(options, context);
  const rows: BenchRow[] = [...shapeRows(index)];
  const judged = options.scale === 1;
  const own = new Map<Mode, Measured>();
  for (const mode of modes) {
    const [ours, theirs] = await alternate(context, `${mode} at scale ${options.scale}`, options.runs, [
      () => runOurs(runner, mode, index.path),
      () => measureProcess(peer, [mode, index.path]),
    ]);
    assertAgree(mode, ours.counts, theirs.counts, countedIn(mode, index));
    own.set(mode, ours);
    const isMeasuredByRatio = mode === 'selective' || mode === 'full';
    rows.push(
      { name: `${mode}: CPU`, value: ours.cpuSeconds, unit: 's' },
      { name: `${mode}: CPU, peer`, value: theirs.cpuSeconds, unit: 's' },
      {
        name: `${mode}: CPU, of the peer's`,
        value: ours.cpuSeconds / theirs.cpuSeconds,
        unit: 'ratio',
        ...(judged && isMeasuredByRatio ? { goal: ratioGoal } : {}),
      },
      { name: `${mode}: wall`, value: ours.wallSeconds, unit: 's' },
      { name: `${mode}: wall, peer`, value: theirs.wallSeconds, unit: 's' },
      { name: `${mode}: peak RSS`, value: ours.peakRssBytes / 1e6, unit: 'MB', ...(judged ? { goal: rssGoal } : {}) },
      { name: `${mode}: peak RSS, peer`, value: theirs.peakRssBytes / 1e6, unit: 'MB' },
    );
    if (mode === 'full') await checkTokens(context, runner, index.path, theirs.counts);
  }
  rows.push(...(await snapshotRows(context, runner, index)));
  rows.push(...(await growthRows(context, runner, options, index, own)));
  return rows;
}

function shapeRows({ scale, generated }: IndexFile): BenchRow[] {
  const row = (name: string, value: number, unit: string, atLeast: number): BenchRow => ({
    name: `shape: ${name}`,
    value,
    unit,
    ...(scale === 1 ? { goal: { atLeast } } : {}),
  });
  return [
    row('index', generated.bytes / 1e6, 'MB', 650),
    row('unpacked', generated.unpackedBytes / 1e6, 'MB', 8000),
    row('inner files', generated.innerFiles, 'files', 800_000),
    row('inner cabinets', generated.innerCabs, 'cabinets', 75),
  ];
}

/** What a mode must have counted, as the generator knows. */
function countedIn(mode: Mode, { generated }: IndexFile): RunCounts {
  const { updates, fileLocations: locations, innerCabs, innerFiles, unpackedBytes } = generated;
  // Besides the inner cabinets there is index.xml.
  const outer = innerCabs + 1;
  if (mode === 'package') return { members: outer + 1, updates, locations };
  const members = outer + innerFiles;
  return mode === 'decode' ? { members, bytes: unpackedBytes } : { members, updates, locations };
}

/** The cost of a byte that is unpacked must not grow with the index. */
async function growthRows(
  context: BenchContext,
  runner: string,
  options: ReturnType<typeof parseOptions>,
  { generated }: IndexFile,
  own: ReadonlyMap<Mode, Measured>,
): Promise<BenchRow[]> {
  const small = await indexFile({ ...options, scale: options.scale / smallerBy.small }, context);
  const tiny = await indexFile({ ...options, scale: options.scale / smallerBy.tiny }, context);
  const rows: BenchRow[] = [];
  for (const mode of ['selective', 'full'] as const) {
    const [ofSmall, ofTiny] = await alternate(
      context,
      `${mode} at scales ${small.scale} and ${tiny.scale}`,
      Math.max(3, options.runs),
      [() => runOurs(runner, mode, small.path), () => runOurs(runner, mode, tiny.path)],
    );
    rows.push({
      name: `${mode}: growth of CPU over that of the index`,
      value: growthOf(
        { bytes: tiny.generated.unpackedBytes, cpuSeconds: ofTiny.cpuSeconds },
        { bytes: small.generated.unpackedBytes, cpuSeconds: ofSmall.cpuSeconds },
        { bytes: generated.unpackedBytes, cpuSeconds: own.get(mode)?.cpuSeconds ?? Number.NaN },
      ),
      unit: 'ratio',
      ...(options.scale === 1 ? { goal: growthGoal } : {}),
    });
  }
  return rows;
}

/** What a later publication starts from: the catalogue of the one before, loaded in a fresh process. */
async function snapshotRows(context: BenchContext, runner: string, { path, scale }: IndexFile): Promise<BenchRow[]> {
  context.progress('storing and loading the snapshot');
  const stored = measuredOf([await runOurs(runner, 'store', path)]);
  const loaded = measuredOf([await runOurs(runner, 'load', path)]);
  const [updates, before] = [loaded.counts.updates, stored.counts.updates];
  if (updates === undefined || updates !== before) {
    throw new Error(`the snapshot was stored with ${before} updates and loaded with ${updates}`);
  }
  return [
    { name: 'snapshot: size', value: (stored.counts.bytes ?? 0) / 1e6, unit: 'MB' },
    {
      name: 'snapshot: CPU to load it',
      value: loaded.cpuSeconds,
      unit: 's',
      ...(scale === 1 ? { goal: snapshotGoal } : {}),
    },
    { name: 'snapshot: peak RSS to load it', value: loaded.peakRssBytes / 1e6, unit: 'MB' },
  ];
}

/** Both sides must have seen the same elements: our reader has no reason to count them, so that another run does. */
async function checkTokens(context: BenchContext, runner: string, path: string, peer: RunCounts): Promise<void> {
  context.progress('counting elements, attributes and text');
  const { counts } = measuredOf([await runOurs(runner, 'tokens', path)]);
  assertAgree('tokens', counts, peer);
}

/** One file, as the code runs in Lambda: Node's own handling of TypeScript would count as ours. */
async function bundleRunner({ cacheFolder }: BenchContext): Promise<string> {
  const outfile = join(cacheFolder, 'index-runner.mjs');
  const entry = join(import.meta.dirname, 'runner.ts');
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' });
  return outfile;
}

const runOurs = (runner: string, mode: Mode | 'tokens' | 'store' | 'load', path: string): Promise<ProcessCost> =>
  measureProcess(process.execPath, [runner, mode, path]);

/** Runs the contestants in turns, so that a busy spell of the machine meets all of them. */
async function alternate<const T extends readonly (() => Promise<ProcessCost>)[]>(
  context: BenchContext,
  what: string,
  runs: number,
  contestants: T,
): Promise<{ [K in keyof T]: Measured }> {
  const costs: ProcessCost[][] = contestants.map(() => []);
  for (let i = 0; i < runs; i++) {
    context.progress(`${what}${runs === 1 ? '' : `, run ${i + 1} of ${runs}`}`);
    for (const [at, contestant] of contestants.entries()) costs[at]?.push(await contestant());
  }
  return costs.map(measuredOf) as { [K in keyof T]: Measured };
}

function measuredOf(costs: readonly ProcessCost[]): Measured {
  return {
    cpuSeconds: median(costs.map(({ cpuSeconds }) => cpuSeconds)),
    wallSeconds: median(costs.map(({ wallSeconds }) => wallSeconds)),
    peakRssBytes: Math.max(...costs.map(({ peakRssBytes }) => peakRssBytes)),
    counts: JSON.parse(costs.at(-1)?.stdout ?? '{}') as RunCounts,
  };
}
