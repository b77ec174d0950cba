/** `npm run fuzz -- NAME [--minutes M] [--seed S]`: tries new inputs until the time is over. */
import { randomInt } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Finding, type Fuzzer, fuzzers } from './fuzzer.ts';
import { watch } from './watch.ts';

const usage = `Usage: npm run fuzz -- NAME [--minutes M] [--seed S]

Fuzzers: ${Object.keys(fuzzers).join(', ')}
  --minutes M  how long (default 1)
  --seed S     number of the first input (default: a random one); S shows again what was found at S
  --help       prints this

Exit codes: 0 nothing found, 1 something found, 2 wrong arguments.`;

/** An input that takes this long is a hang. */
const hangMilliseconds = 10_000;
const millisecondsBetweenReports = 10_000;
/** Findings after which it ends: more are mostly the same fault. */
const mostFindings = 20;
const folder = resolve(import.meta.dirname, '../../.kbroker/fuzz');

interface Arguments {
  readonly name: string;
  readonly minutes: number;
  readonly seed: number;
}

/** @returns a text when nothing is to be run: `help`, or what is wrong */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, help: { type: 'boolean' } },
      allowPositionals: true,
    });
    if (values.help === true) return 'help';
    const [name] = positionals;
    const minutes = Number(values.minutes);
    const seed = values.seed === undefined ? randomInt(2 ** 30) : Number(values.seed);
    if (name === undefined || positionals.length > 1) return usage;
    if (!Object.hasOwn(fuzzers, name)) return `there is no fuzzer ${JSON.stringify(name)}\n\n${usage}`;
    if (!(minutes > 0)) return `--minutes is ${JSON.stringify(values.minutes)}; it must be a number above 0`;
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 31) {
      return `--seed is ${JSON.stringify(values.seed)}; it must be a whole number from 0 to 2,147,483,647`;
    }
    return { name, minutes, seed };
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n\n${usage}`;
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv);
  if (args === 'help') {
    console.log(usage);
    return 0;
  }
  if (typeof args === 'string') {
    console.error(args);
    return 2;
  }
  const { name, minutes, seed } = args;
  const fuzzer = await fuzzers[name]?.();
  if (fuzzer === undefined) return 2;
  console.log(`${name}: seed ${seed}, ${counted(minutes, 'minute')}`);
  const started = performance.now();
  let findings = 0;
  let written: Promise<void> = Promise.resolve();
  const found = (finding: Finding): void => {
    findings++;
    written = written.then(() => report(name, fuzzer, finding));
  };
  let reportedAt = started;
  const inputs = await watch({
    script: new URL('worker.ts', import.meta.url),
    workerData: { name },
    seed,
    milliseconds: minutes * 60_000,
    hangMilliseconds,
    mostFindings,
    found,
    onTick: (tried) => {
      const now = performance.now();
      if (now - reportedAt < millisecondsBetweenReports) return;
      reportedAt = now;
      const minutesSince = ((now - started) / 60_000).toFixed(1);
      console.log(`${minutesSince} minutes: ${counted(tried, 'input')}, ${counted(findings, 'finding')}`);
    },
  });
  await written;
  console.log(`${name}: seed ${seed}, ${counted(inputs, 'input')}, ${counted(findings, 'finding')}`);
  return findings === 0 ? 0 : 1;
}

const counted = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`;

async function report(name: string, fuzzer: Fuzzer, { number, error }: Finding): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}-${number}`);
  await writeFile(file, fuzzer.inputOf(number));
  console.log(`FOUND at seed ${number}, input written to ${file}\n${error}`);
}

process.exitCode = await main(process.argv.slice(2));
