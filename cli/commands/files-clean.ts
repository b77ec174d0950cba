import type { CleaningWishes } from '#shared/contract/messages/clean-payloads.ts';
import type { Cleaned, CleaningOutcome, CleaningRun, FileAmount } from '#shared/contract/operators/cleaning.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { CliError } from '../cli-error.ts';
import { type ConfirmFlags, confirm, requireYes } from '../confirm.ts';
import { counted } from '../counted.ts';
import { type ExitCode, exitCodes, formatBytes, printJson, printLines, printTable, printUnreadable } from '../io.ts';
import { printable } from '../printable.ts';
import { secondsOf } from '../rules/amounts.ts';
import type { CommandContext } from './context.ts';

export interface CleanFlags extends ConfirmFlags {
  readonly dryRun?: boolean;
  readonly grace?: string;
  readonly fewerHosts?: boolean;
}

const pollMilliseconds = 1000;
/** A run takes 15 minutes at most, and waits for one that is under way. */
const maxPolls = 45 * 60;

/**
 * `kbroker files clean`: takes out of the repository what no host needs, and waits for the end. Without `--yes` it first says
 * what that would be, and asks. With `--dry-run` it says so and does nothing. Exit 1 when nothing was cleaned, because it is
 * not known what hosts need, or when it failed.
 *
 * @throws CliError `usage`, `refused`
 */
export async function cleanFiles(context: CommandContext, flags: CleanFlags): Promise<ExitCode> {
  const wishes = readWishes(flags);
  if (flags.dryRun === true) return show(context, await runToItsEnd(context, { ...wishes, dryRun: true }));
  requireYes(context.io, 'deleting files', flags);
  if (flags.yes !== true) {
    const first = await runToItsEnd(context, { ...wishes, dryRun: true });
    if (first.result?.outcome !== 'cleaned') return show(context, first);
    if (context.json) context.io.stderr.write(`${JSON.stringify(first)}\n`);
    else printLines(context.io, describe(first.result));
    await confirm(context.io, 'Do it?', flags);
  }
  return show(context, await runToItsEnd(context, wishes));
}

function readWishes({ grace, fewerHosts }: CleanFlags): CleaningWishes {
  const graceSeconds = grace === undefined ? undefined : secondsOf(grace);
  if (grace !== undefined && graceSeconds === undefined)
    throw new CliError('usage', `not a duration: got ${JSON.stringify(grace)}, expected one as in 0d, 12h or 7d`);
  return {
    ...(graceSeconds !== undefined && { graceSeconds }),
    ...(fewerHosts === true && { fewerHosts }),
  };
}

/** @throws CliError `refused` when it says nothing for too long */
async function runToItsEnd(context: CommandContext, wishes: CleaningWishes): Promise<CleaningRun> {
  const started = await context.call(operatorEndpoints.startCleaning, { body: wishes });
  const { runId } = started;
  const what = wishes.dryRun === true ? 'dry run' : 'cleaning';
  context.io.stderr.write(context.json ? `${JSON.stringify(started)}\n` : `${what} ${printable(runId)} started\n`);
  for (let polls = 0; polls < maxPolls; polls += 1) {
    const run = await context.call(operatorEndpoints.getCleaning, { params: { runId } });
    if (run.state === 'ended') return run;
    await context.sleep(pollMilliseconds);
  }
  const minutes = (maxPolls * pollMilliseconds) / 60_000;
  throw new CliError('refused', `${what} ${runId} did not end in ${minutes} minutes; see the logs of clean-payloads`);
}

function show({ io, json }: CommandContext, run: CleaningRun): ExitCode {
  const { result } = run;
  if (json) printJson(io, run);
  else if (result?.outcome === 'cleaned') {
    printLines(io, describe(result));
    if (result.largest.length > 0) printLargest(io, result);
    printUnreadable(io, result.unreadable);
  } else printLines(io, [whyNot(result)]);
  return result?.outcome === 'cleaned' ? exitCodes.ok : exitCodes.failed;
}

const whyNot = (result: Exclude<CleaningOutcome, Cleaned> | undefined): string =>
  result?.outcome === 'stopped'
    ? `nothing is cleaned: ${result.reason}`
    : `failed: ${result?.reason ?? 'no word of why'}`;

const amountOf = ({ files, bytes }: FileAmount): string => `${counted(files, 'file')}, ${formatBytes(bytes)}`;

function describe(cleaned: Cleaned): string[] {
  const { dryRun, finished, hosts, needed, waiting, retired, pausing, restored, removed, packages } = cleaned;
  const would = dryRun ? 'would be ' : '';
  return [
    `needed by ${counted(hosts, 'host')}: ${amountOf(needed)}`,
    `not needed, in their grace period: ${amountOf(waiting)}`,
    `${would}offered no more, and deleted after the pause: ${amountOf(retired)}`,
    `offered no more before, to be deleted after the pause: ${amountOf(pausing)}`,
    ...(restored.files > 0 ? [`${would}offered again, since hosts need them again: ${amountOf(restored)}`] : []),
    `${would}freed: ${amountOf(removed)}`,
    ...(packages === undefined ? [] : describePackages(packages, would)),
    ...(finished ? [] : ['the time was over before all files were looked at; the next run goes on']),
  ];
}

/** Files of administrators' own packages; nothing while there are none. */
const describePackages = ({ needed, waiting, removed }: Cleaned['packages'] & object, would: string): string[] =>
  needed.files + waiting.files + removed.files === 0
    ? []
    : [
        `files of packages: ${amountOf(needed)}; named by none, in their grace period: ${amountOf(waiting)}; ` +
          `${would}deleted: ${amountOf(removed)}`,
      ];

function printLargest(io: CommandContext['io'], { largest, dryRun }: Cleaned): void {
  const steps = dryRun
    ? ({ retired: 'would be offered no more', removed: 'would be deleted' } as const)
    : ({ retired: 'offered no more', removed: 'deleted' } as const);
  printTable(
    io,
    ['LARGEST', 'SIZE', 'WHAT', 'SHA-1'],
    largest.map(({ sha1, name, size, step }) => [name ?? 'unnamed', formatBytes(size), steps[step], sha1]),
  );
}
