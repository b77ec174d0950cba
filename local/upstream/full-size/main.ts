/** `npm run full-size -- --out FILE`: an invented index as large as a real one. */
import { parseArgs } from 'node:util';
import { type Generated, type GenerateOptions, generateIndex } from './generate.ts';
import { measuredMonth, monthText, parseMonth } from './month.ts';

const usage = `Usage: npm run full-size -- --out FILE [options]

Writes an index (wsusscn2.cab) with the size, structure and spelling of a real one, out of invented templates.
The same seed, month and scale give the same bytes; another month of the same seed is the next publication of the
same world.

  --out FILE       where the index goes; replaced only when all went well
  --seed N         0 to 4294967295 [1]
  --month YYYY-MM  2026-01 to 2035-12 [${monthText(measuredMonth)}]
  --scale SHARE    share of a real publication's updates, 1/4096 to 1: 1/8 or 0.125 [1]
  --workers N      threads; the bytes do not depend on it [one for each processor]
  --json           prints the counts as one line of JSON
  --help           prints this

Scale 1 takes some minutes, 1 GB of memory and 0.7 GB of disk space.
Exit codes: 0 done, 1 failed, 2 wrong arguments.
`;

class UsageError extends Error {}

/**
 * With less of it there would be no fewer updates, since every index has categories, detectoids and some of each kind; and the
 * gaps between numbers, which grow as the share shrinks, would leave what the index's form allows.
 */
const leastScale = 1 / 4096;

/** @returns undefined when only help is wanted @throws UsageError */
function parse(argv: readonly string[]): { options: GenerateOptions; json: boolean } | undefined {
  let values: ReturnType<typeof parseValues>;
  try {
    values = parseValues(argv);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (values.help) return undefined;
  if (values.out === undefined || values.out === '') throw new UsageError('--out FILE is missing');
  const month = parseMonth(values.month);
  if (month === undefined) throw new UsageError(`--month is ${values.month}, allowed is 2026-01 to 2035-12`);
  return {
    options: {
      out: values.out,
      seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
      month,
      scale: share(values.scale),
      ...(values.workers === undefined ? {} : { workers: wholeNumber('--workers', values.workers, 1, 64) }),
    },
    json: values.json,
  };
}

const parseValues = (argv: readonly string[]) =>
  parseArgs({
    args: [...argv],
    options: {
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      month: { type: 'string', default: monthText(measuredMonth) },
      scale: { type: 'string', default: '1' },
      workers: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least && number <= most)) throw new UsageError(`${name} is ${text}, allowed is ${least} to ${most}`);
  return number;
}

function share(text: string): number {
  const [, whole = '', , divisor = '1'] = /^(\d+(\.\d+)?)(?:\/(\d+))?$/.exec(text) ?? [];
  const scale = whole === '' ? Number.NaN : Number(whole) / Number(divisor);
  if (!(scale >= leastScale && scale <= 1)) {
    throw new UsageError(`--scale is ${text}, allowed is a number or fraction from 1/4096 to 1, such as 1/8`);
  }
  return scale;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** @returns the exit code */
async function main(argv: readonly string[]): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`full-size: ${error.message}\n\n${usage}`);
    return 2;
  }
  if (parsed === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  const { options, json } = parsed;
  const terminal = process.stderr.isTTY;
  try {
    const generated = await generateIndex({
      ...options,
      onProgress: ({ cabs, of, bytes }) => {
        const line = `${cabs} of ${of} cabinets, ${megabytes(bytes)}`;
        if (terminal) process.stderr.write(`\r${line}\u001b[K`);
        else if (cabs % 10 === 0 || cabs === of) process.stderr.write(`${line}\n`);
      },
    });
    if (terminal) process.stderr.write('\r\u001b[K');
    process.stdout.write(json ? `${JSON.stringify(generated)}\n` : described(generated));
    return 0;
  } catch (error) {
    process.stderr.write(`full-size: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function described(generated: Generated): string {
  const { core } = generated;
  return `Index         ${megabytes(generated.bytes)}, ${generated.innerCabs} cabinets with ${generated.innerFiles} files, ${megabytes(generated.unpackedBytes)} unpacked
package.xml   ${megabytes(generated.packageXmlBytes)}, PackageId ${generated.packageId}
Updates       ${generated.updates}: ${generated.bundles} bundles, ${generated.leaves} leaves, ${generated.evaluated} categories and detectoids
Files         ${generated.fileLocations} locations
Superseded    ${generated.supersededBlocks} by ${generated.supersededRefs} references
Core          median ${core.p50} bytes, 99 of 100 up to ${core.p99}, largest ${core.max}; ${core.over1MB} over 1 MB, ${core.over32MiB} over 32 MiB
`;
}

process.exitCode = await main(process.argv.slice(2));
