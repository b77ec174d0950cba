import { join } from 'node:path';
import { haveSamples, samplesFolder } from '#test/kit/samples.ts';
import { type Bench, type BenchContext, type BenchRow, UsageError } from '../kit/bench.ts';
import { measureProcess, median, type ProcessCost } from '../kit/measure.ts';
import { assertSameMembers, type Input, inputs, makeInput } from './inputs.ts';

const defaultRounds = 5;
/** What the issue demands of our speed against cabextract's. */
const goal = { atLeast: 1.2 };

export const cabinetBench: Bench = {
  name: 'cabinet',
  summary: 'MB/s of CPU of unpacking against cabextract and 7z, on real cabinets of Microsoft',
  options: [`--rounds N  runs of each program on each input (default ${defaultRounds})`],
  run,
};

/** Each program reads the file, unpacks every member, checks what it checks, and writes nothing to a disk. */
const programs: Readonly<Record<string, (file: string) => [command: string, args: string[]]>> = {
  kbroker: (file) => [process.execPath, [join(import.meta.dirname, 'unpack.ts'), file]],
  cabextract: (file) => ['/bin/sh', ['-c', 'exec cabextract -q -p "$0" > /dev/null', file]],
  '7z': (file) => ['7z', ['t', '-mmt=1', '-bso0', '-bsp0', file]],
};

async function run(context: BenchContext): Promise<readonly BenchRow[]> {
  const rounds = roundsOf(context.args);
  if (!haveSamples) throw new Error(`the inputs are made of the samples, and there are none at ${samplesFolder}`);
  const rows: BenchRow[] = [];
  for (const input of inputs) rows.push(...(await measureInput(input, rounds, context)));
  return rows;
}

function roundsOf(args: readonly string[]): number {
  if (args.length === 0) return defaultRounds;
  const rounds = args[0] === '--rounds' && args.length === 2 ? Number(args[1]) : Number.NaN;
  if (Number.isInteger(rounds) && rounds >= 1) return rounds;
  throw new UsageError(`arguments are ${JSON.stringify(args)}; allowed is --rounds N with a whole N of at least 1`);
}

/** What is not unpacked as a whole is fast, and no result. */
function assertUnpacked(file: string, stdout: string, unpacked: number): void {
  if (Number(stdout) === unpacked) return;
  throw new Error(`${file}: ${stdout.trim()} bytes were unpacked, and its members have ${unpacked}`);
}

async function measureInput(input: Input, rounds: number, context: BenchContext): Promise<readonly BenchRow[]> {
  const { file, unpacked } = await makeInput(input, context);
  context.progress(`${input.name}: comparing the members with cabextract's`);
  await assertSameMembers(file);
  const costs = new Map<string, ProcessCost[]>(Object.keys(programs).map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    context.progress(`${input.name}, round ${round} of ${rounds}`);
    // In turns, so that a machine that slows down slows all of them down.
    for (const [name, command] of Object.entries(programs)) {
      const cost = await measureProcess(...command(file));
      // The others print none: cabextract's bytes were compared above, 7z tests checksums.
      if (name === 'kbroker') assertUnpacked(file, cost.stdout, unpacked);
      costs.get(name)?.push(cost);
    }
  }
  const seconds = (name: string) => median((costs.get(name) ?? []).map(({ cpuSeconds }) => cpuSeconds));
  const rss = median((costs.get('kbroker') ?? []).map(({ peakRssBytes }) => peakRssBytes));
  const ratio = (peer: string) => seconds(peer) / seconds('kbroker');
  return [
    ...Object.keys(programs).map((name) => ({
      name: `${input.name}: ${name}`,
      value: unpacked / 1e6 / seconds(name),
      unit: 'MB/s',
    })),
    {
      name: `${input.name}: kbroker / cabextract`,
      value: ratio('cabextract'),
      unit: 'ratio',
      ...(input.hasGoal ? { goal } : {}),
    },
    { name: `${input.name}: kbroker / 7z`, value: ratio('7z'), unit: 'ratio' },
    { name: `${input.name}: peak memory of kbroker`, value: rss / 1e6, unit: 'MB' },
  ];
}
