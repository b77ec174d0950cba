import { setTimeout as sleep } from 'node:timers/promises';
import { Command, CommanderError, Option } from 'commander';
import { fileRequestStates } from '#shared/contract/requests.ts';
import { CliError } from './cli-error.ts';
import { createOperatorClient } from './client.ts';
import { hashCab, listCab } from './commands/cab.ts';
import { extractCab } from './commands/cab-extract.ts';
import type { CommandContext } from './commands/context.ts';
import { listHosts, showHost } from './commands/hosts.ts';
import { diffIndexes } from './commands/index-diff.ts';
import { inspectIndex } from './commands/index-inspect.ts';
import { syncIndex } from './commands/index-sync.ts';
import { listRequests, sweepRequests } from './commands/requests.ts';
import { type RulesFlags, setRules, showRules } from './commands/rules.ts';
import { showStatus } from './commands/status.ts';
import { listUpdates, showUpdate } from './commands/updates.ts';
import type { TrustFlags } from './index-trust.ts';
import { type CliIo, exitCodes } from './io.ts';
import { printable } from './printable.ts';
import { readSettings } from './settings.ts';
import { readVersion } from './version.ts';

const list = (value: string, previous: readonly string[] | undefined): readonly string[] => [
  ...(previous ?? []),
  ...value.split(',').filter((part) => part !== ''),
];

/** Like {@link list}, but an empty part is not passed over: nothing selected is not everything. */
const selection = (value: string, previous: readonly string[] | undefined): readonly string[] => [
  ...(previous ?? []),
  ...value.split(','),
];

interface GlobalFlags {
  readonly api?: string;
  readonly region?: string;
  readonly profileFile?: string;
  readonly json?: boolean;
}

interface InspectFlags extends TrustFlags {
  readonly kb?: readonly string[];
  readonly update?: string;
  readonly check?: boolean;
}

/**
 * Runs the operator's command line.
 *
 * @returns the exit code (see {@link exitCodes})
 */
export async function main(args: readonly string[], io: CliIo): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (error instanceof CliError) {
      io.stderr.write(`kbroker: ${printable(error.message)}\n`);
      return error.exitCode;
    }
    throw error;
  }
}

function buildProgram(io: CliIo, end: (exitCode: number) => void): Command {
  const program = new Command('kbroker')
    .description('Operate a broker of Windows updates.')
    .version(readVersion(), '--version', 'print the version')
    .option('--api <url>', 'address of the API (or KBROKER_API)')
    .option('--region <region>', 'AWS region of the API (default: from its address, or AWS_REGION)')
    .option(
      '--profile-file <file>',
      'profile written by the embedded stack (default: .kbroker/operator.json here or in a folder above)',
    )
    .option('--json', 'print JSON for scripts')
    .configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: (text) => void io.stderr.write(text) })
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed or refused, 2 wrong arguments, 3 broker not reachable or access denied.',
    );

  /** Runs a command that talks to the broker. */
  const online =
    <A extends unknown[]>(run: (context: CommandContext, ...args: A) => Promise<number>) =>
    async (...args: [...A, ...unknown[]]): Promise<void> => {
      const flags = program.opts<GlobalFlags>();
      const command = args.at(-1);
      const json =
        flags.json === true || (command instanceof Command && command.optsWithGlobals<GlobalFlags>().json === true);
      const call = createOperatorClient(await readSettings(flags, io));
      end(await run({ io, json, call, sleep: (milliseconds) => sleep(milliseconds) }, ...(args.slice(0, -1) as A)));
    };
  const sub = (parent: Command, name: string, description: string): Command =>
    parent
      .command(name)
      .description(description)
      .option('--json', 'print JSON for scripts')
      .configureOutput({
        writeOut: (text) => void io.stdout.write(text),
        writeErr: (text) => void io.stderr.write(text),
      })
      .exitOverride();

  sub(program, 'status', 'index, fleet, requests and repository in numbers').action(online(showStatus));

  const index = sub(program, 'index', "Microsoft's offline index");
  sub(
    index,
    'inspect',
    'print the catalogue of an index file and whether the broker would publish it; names what is missing',
  )
    .argument('<file>', 'a wsusscn2.cab, a WSUSSCAN.cab, or an .msu with one')
    .option('--kb <kb>', 'only updates of this KB (repeatable, or comma-separated)', selection)
    .option('--update <id>', 'only the update with this UpdateId')
    .option('--check', 'read every fragment to its end and in every language, to find faults anywhere')
    .option('--index-roots <file>', "PEM file of roots to trust beside Microsoft's, as the broker's indexRoots")
    .option('--allow-sha1', "take signatures by SHA-1 too, as the broker's allowSha1Signatures")
    .action(async (file: string, { kb = [], update, check, ...trust }: InspectFlags, command: Command) => {
      const json = command.optsWithGlobals<GlobalFlags>().json === true;
      const filter = { kbs: kb, ...(update === undefined ? {} : { updateId: update }) };
      const options = { file, json, check: check === true, ...filter };
      end(await inspectIndex({ ...options, ...trust }, io));
    });
  sub(index, 'diff', 'what the index B brought after the index A; both are files')
    .argument('<a>', 'the earlier wsusscn2.cab, WSUSSCAN.cab, or .msu with one')
    .argument('<b>', 'the later one')
    .option('--all', 'list all updates instead of those of the newest KBs (JSON always has all)')
    .action(async (before: string, after: string, flags: { all?: boolean }, command: Command) => {
      const json = command.optsWithGlobals<GlobalFlags>().json === true;
      end(await diffIndexes({ before, after, json, all: flags.all === true }, io));
    });
  sub(index, 'sync', 'ask Microsoft for a new index now')
    .option('--allow-older', 'publish also an index that Microsoft made before the current one')
    .option('--again', 'read the current index again when Microsoft has no other')
    .action(
      online((context, { allowOlder, again }: { allowOlder?: boolean; again?: boolean }) =>
        syncIndex(context, {
          ...(allowOlder === undefined ? {} : { allowOlder }),
          ...(again === undefined ? {} : { again }),
        }),
      ),
    );

  const updates = sub(program, 'updates', 'what is known of updates, those that left the index among them');
  sub(updates, 'list', 'updates of KBs, the newest first')
    .requiredOption('--kb <kb>', 'KB number (repeatable, or comma-separated)', selection)
    .action(online((context, flags: { kb: readonly string[] }) => listUpdates(context, flags.kb)));
  sub(updates, 'show', 'one update and its files')
    .argument('<update-id>', 'UpdateId, or UpdateId_revision')
    .action(online((context, updateId: string) => showUpdate(context, updateId)));

  const cab = sub(program, 'cab', 'cabinets (.cab, .msu), without a broker').addHelpText(
    'after',
    '\nReads stored, MSZIP and LZX. Quantum and cabinets of a split set end in an error that says so.',
  );
  const cabOptions = (file: string, command: Command) => ({
    file,
    json: command.optsWithGlobals<GlobalFlags>().json === true,
  });
  sub(cab, 'list', 'what its file table names')
    .argument('<file>')
    .action(async (file: string, _: object, command: Command) => end(await listCab(cabOptions(file, command), io)));
  sub(cab, 'hash', 'SHA-256 of each member; a bad cabinet ends with what is wrong and where')
    .argument('<file>')
    .action(async (file: string, _: object, command: Command) => end(await hashCab(cabOptions(file, command), io)));
  sub(cab, 'extract', 'write its members below a folder, never outside of it')
    .argument('<file>')
    .option('--to <dir>', 'folder to write into; files that are there stay as they are', '.')
    .action(async (file: string, { to }: { to: string }, command: Command) =>
      end(await extractCab({ ...cabOptions(file, command), to }, io)),
    );

  const requests = sub(program, 'requests', 'files that hosts asked for');
  sub(requests, 'list', 'list them')
    .addOption(new Option('--state <state>', 'only this state').choices(fileRequestStates))
    .action(online((context, flags: { state?: string }) => listRequests(context, flags)));
  sub(requests, 'sweep', 'queue open requests now').action(online((context) => sweepRequests(context)));

  const hosts = sub(program, 'hosts', 'hosts and their reports');
  sub(hosts, 'list', 'one line a host').action(online((context) => listHosts(context)));
  sub(hosts, 'show', 'last report of one host, each update with its reason')
    .argument('<machine>', 'machine id or hostname')
    .action(online((context, machine: string) => showHost(context, machine)));

  const rules = sub(program, 'rules', 'what may be installed');
  sub(rules, 'show', 'rules in force').action(online((context) => showRules(context)));
  const setting = sub(rules, 'set', 'change the named parts; an empty list empties it')
    .option('--default-allow', 'allow what no list mentions')
    .option('--no-default-allow', 'do not allow what no list mentions')
    .option('--allow-kb <kbs>', 'allowed KBs (replaces the list)', list)
    .option('--forbid-kb <kbs>', 'forbidden KBs (replaces the list)', list)
    .option('--allow-severity <severities>', 'allowed severities: Critical, Important, Moderate, Low', list)
    .action(online((context, flags: RulesFlags) => setRules(context, flags)));
  // To commander they are one option that is set twice, of which the last would count.
  const defaults = new Set<string>();
  for (const name of ['default-allow', 'no-default-allow']) setting.on(`option:${name}`, () => defaults.add(name));
  setting.hook('preAction', () => {
    if (defaults.size > 1) throw new CliError('usage', '--default-allow and --no-default-allow contradict each other');
  });
  return program;
}
