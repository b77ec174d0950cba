import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { DemoError } from './demo-error.ts';

/** What `npm start` was asked for. */
export interface DemoOptions {
  readonly once: boolean;
  readonly hosts: number;
  readonly json: boolean;
  /** Absolute. */
  readonly data: string;
  readonly fresh: boolean;
  /** A real index or .msu to publish instead of an invented one; absolute. */
  readonly index?: string;
  readonly speed: number;
  /** Microsoft publishes a new month by itself now and then, when the broker stays up. */
  readonly newMonths: boolean;
  /** Of everything invented; undefined: that of the data folder, 1 in a new one. */
  readonly seed?: number;
}

const number =
  (what: string, low: number, high: number, whole: boolean) =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= low && value <= high && (!whole || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(
      `${what} is ${whole ? 'a whole number' : 'a number'} from ${low} to ${high}, got ${text}`,
    );
  };

const help = `
Without --once the broker stays up until Ctrl-C, and goes on where it was at the next start. Microsoft then publishes a new
month by itself every 3 minutes (at the default speed), or when it is told to: local/upstream/README.md. Examples:
  npm start
  npm start -- --once --hosts 20 --json --data /tmp/kbroker-once
  npm start -- --once --index Windows6.1-KB2999226-x64.msu --data /tmp/kbroker-real
A data folder belongs to one npm start at a time, and holds invented updates or real ones.`;

/**
 * Parses the arguments (without node and script). Undefined when help was asked for and given.
 * @throws DemoError `usage`
 */
export function parseOptions(args: readonly string[], write: (text: string) => void): DemoOptions | undefined {
  const command = new Command('npm start --')
    .description(
      'Runs the broker on this machine: the synthesized AWS stack on embedded servers, a fake Microsoft and a fleet of simulated hosts.',
    )
    .option('--once', 'live one full life, check it and end (exit 0 when all checks hold)', false)
    .option('--hosts <number>', 'simulated hosts', number('--hosts', 1, 5000, true), 20)
    .option(
      '--json',
      'last line of the output is one JSON object, {"error": …} after a failure; progress goes to stderr',
      false,
    )
    .option('--data <folder>', 'data folder', '.kbroker')
    .option('--fresh', 'empty the data folder first', false)
    .option(
      '--index <file>',
      'publish this wsusscn2.cab or .msu instead of an invented index; SHA-1 signatures count then',
    )
    .addOption(
      new Option('--speed <factor>', 'divides schedules, delays and visibility timeouts')
        .argParser(number('--speed', 1, 10_000, false))
        .default(120),
    )
    .option(
      '--no-new-months',
      'let Microsoft publish nothing by itself (default: a new month every 6 hours divided by --speed)',
    )
    .option('--seed <number>', 'of everything invented (default: that of the data folder, else 1)', (text) =>
      number('--seed', 0, 2 ** 31, true)(text),
    )
    .allowExcessArguments(false)
    .addHelpText('after', help)
    .configureOutput({ writeOut: write, writeErr: () => undefined })
    .exitOverride();
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new DemoError('usage', `${error.message.replace(/^error: /, '')}\n(npm start -- --help tells the options)`, {
      cause: error,
    });
  }
  const { once, hosts, json, data, fresh, index, speed, newMonths, seed } = command.opts<{
    once: boolean;
    hosts: number;
    json: boolean;
    data: string;
    fresh: boolean;
    index?: string;
    speed: number;
    newMonths: boolean;
    seed?: number;
  }>();
  return {
    once,
    hosts,
    json,
    data: resolve(data),
    fresh,
    speed,
    newMonths,
    ...(index === undefined ? {} : { index: resolve(index) }),
    ...(seed === undefined ? {} : { seed }),
  };
}
