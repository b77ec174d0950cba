import { parseArgs } from 'node:util';
import { UsageError } from '../kit/bench.ts';

export interface IndexBenchOptions {
  readonly scale: number;
  readonly seed: number;
  readonly runs: number;
}

/** @throws UsageError that says what was got and what is allowed */
export function parseOptions(args: readonly string[]): IndexBenchOptions {
  const values = parse(args);
  const [, whole = '', divisor = '1'] = /^(\d*\.?\d+)(?:\/(\d+))?$/.exec(values.scale) ?? [];
  const scale = whole === '' ? Number.NaN : Number(whole) / Number(divisor);
  if (!(scale > 0 && scale <= 1)) {
    throw new UsageError(
      `--scale is ${values.scale}, allowed is a number or fraction above 0 and up to 1, such as 1/8`,
    );
  }
  return { scale, seed: wholeNumber('--seed', values.seed, 0), runs: wholeNumber('--runs', values.runs, 1) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scale: { type: 'string', default: '1' },
        seed: { type: 'string', default: '1' },
        runs: { type: 'string', default: '1' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least)) throw new UsageError(`${name} is ${text}, allowed is a whole number from ${least} on`);
  return number;
}
