import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCab } from '#shared/cabinet/index.ts';
import { randomBytes } from '#shared/cabinet/testing/corpus.ts';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { haveSamples, sample, samplesFolder } from '#test/kit/samples.ts';
import type { Bench, BenchContext, BenchRow } from '../kit/bench.ts';
import { measureProcess, median, type ProcessCost } from '../kit/measure.ts';
import { joinCabs } from './join-cabs.ts';

const defaultRounds = 5;
/** What the issue demands of our speed against cabextract's. */
const goal = { atLeast: 1.2 };

/** A kind of cabinet, as large as it takes for start-up to be a few per cent of our time and nothing of the others'. */
interface Input {
  readonly name: string;
  readonly cabs: () => Promise<readonly Uint8Array[]>;
  /** How often the cabinets go in: for about 1 GB of members. */
  readonly times: number;
  readonly hasGoal: boolean;
}

const real = (...names: string[]) => Promise.all(names.map((name) => readFile(sample(name))));

const inputs: readonly Input[] = [
  {
    name: 'LZX binaries',
    cabs: () =>
      real(
        'cab/real/vcredis1.cab',
        'cab/real/vcredist_14239_Microsoft_VC80_ATL_x86.cab',
        'cab/real/vcredist_14241_Microsoft_VC80_CRT_x86.cab',
        'cab/real/vcredist_14250_Microsoft_VC80_MFCLOC_x86.cab',
      ),
    times: 150,
    hasGoal: true,
  },
  { name: 'LZX XML', cabs: () => real('wsusscn2/wsus-export/WSUS-2020.cab'), times: 120, hasGoal: true },
  { name: 'MSZIP', cabs: () => real('cab/real/nunit.cab', 'cab/real/putty.cab'), times: 100, hasGoal: true },
  {
    // As the outer cabinet of an index is, whose members are cabinets.
    name: 'LZX incompressible',
    cabs: async () => [
      encodeCab({ members: [{ name: 'noise', data: randomBytes(20_000_000, 1) }], compression: { lzx: 21 } }),
    ],
    times: 50,
    hasGoal: false,
  },
];

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
  if (!haveSamples) throw new Error(`the inputs are made of the samples, and there are none at ${samplesFolder}`);
  const rounds = roundsOf(context.args);
  const rows: BenchRow[] = [];
  for (const input of inputs) rows.push(...(await measureInput(input, rounds, context)));
  return rows;
}

function roundsOf(args: readonly string[]): number {
  if (args.length === 0) return defaultRounds;
  const rounds = args[0] === '--rounds' && args.length === 2 ? Number(args[1]) : Number.NaN;
  if (Number.isInteger(rounds) && rounds >= 1) return rounds;
  throw new Error(`arguments are ${JSON.stringify(args)}; allowed is --rounds N with a whole N of at least 1`);
}

async function measureInput(input: Input, rounds: number, context: BenchContext): Promise<readonly BenchRow[]> {
  const { file, unpacked } = await makeInput(input, context);
  const costs = new Map<string, ProcessCost[]>(Object.keys(programs).map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    context.progress(`${input.name}, round ${round} of ${rounds}`);
    // In turns, so that a machine that slows down slows all of them down.
    for (const [name, command] of Object.entries(programs)) {
      costs.get(name)?.push(await measureProcess(...command(file)));
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

/** Makes the input once, and lets cabextract say that both unpack the same. */
async function makeInput(
  input: Input,
  { cacheFolder, progress }: BenchContext,
): Promise<{ file: string; unpacked: number }> {
  const file = join(cacheFolder, `cabinet-${input.name.replaceAll(' ', '-').toLowerCase()}-${input.times}.cab`);
  const note = `${file}.json`;
  if (existsSync(note)) {
    const { packed, unpacked } = JSON.parse(await readFile(note, 'utf8'));
    if ((await stat(file)).size === packed) return { file, unpacked };
  }
  progress(`making ${input.name}`);
  const made = joinCabs(file, await input.cabs(), input.times);
  progress(
    `${input.name}: ${(made.unpacked / 1e6).toFixed(0)} MB in ${(made.packed / 1e6).toFixed(0)} MB; comparing with cabextract`,
  );
  const [ours, theirs] = await Promise.all([ourHash(file), hashOfCabextract(file)]);
  if (ours !== theirs) throw new Error(`${file}: SHA-256 of all members is ${ours}, and of cabextract's ${theirs}`);
  await writeFile(note, JSON.stringify(made));
  return { file, unpacked: made.unpacked };
}

async function ourHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  const sink = { write: (chunk: Uint8Array) => void hash.update(chunk), end: () => undefined };
  await readCab(createReadStream(file, { highWaterMark: 1 << 20 }), { onMember: () => sink });
  return hash.digest('hex');
}

async function hashOfCabextract(file: string): Promise<string> {
  const hash = createHash('sha256');
  const child = spawn('cabextract', ['-q', '-p', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const read = (async () => {
    for await (const chunk of child.stdout) hash.update(chunk);
    return hash.digest('hex');
  })();
  return Promise.race([read, failed]);
}
