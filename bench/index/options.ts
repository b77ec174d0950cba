import { parseArgs } from 'node:util';

export interface IndexBenchOptions {
  readonly scale: number;
  readonly seed: number;
  readonly runs: number;
}

/** @throws Error that says what was got and what is allowed */
export function parseOptions(args: readonly string[]): IndexBenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scale: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: '1' },
    },
  });
  const [, whole = '', divisor = '1'] = /^(\d*\.?\d+)(?:\/(\d+))?$/.exec(values.scale) ?? [];
  const scale = whole === '' ? Number.NaN : Number(whole) / Number(divisor);
  if (!(scale > 0 && scale <= 1)) {
    throw new Error(`--scale is ${values.scale}, allowed is a number or fraction above 0 and up to 1, such as 1/8`);
  }
  return { scale, seed: wholeNumber('--seed', values.seed, 0), runs: wholeNumber('--runs', values.runs, 1) };
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least)) throw new Error(`${name} is ${text}, allowed is a whole number from ${least} on`);
  return number;
}
