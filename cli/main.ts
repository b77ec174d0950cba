import { Command, CommanderError } from 'commander';
import { CliError } from './cli-error.ts';
import { showStatus } from './commands/status.ts';
import { type CliIo, exitCodes } from './io.ts';
import { printable } from './printable.ts';
import { addAuditCommands } from './programs/audit.ts';
import { addCabCommands } from './programs/cab.ts';
import { addCommandsCommands } from './programs/commands.ts';
import { addFilesCommands } from './programs/files.ts';
import { addGroupsCommands } from './programs/groups.ts';
import { addHostsCommands } from './programs/hosts.ts';
import { addIndexCommands } from './programs/index-commands.ts';
import { createKit } from './programs/kit.ts';
import { addLoginCommands } from './programs/login.ts';
import { addPackagesCommands } from './programs/packages.ts';
import { addRequestsCommands } from './programs/requests.ts';
import { addRulesCommands } from './programs/rules.ts';
import { addSetupCommands } from './programs/setup.ts';
import { addTokensCommands } from './programs/tokens.ts';
import { addTrustCommands } from './programs/trust.ts';
import { addUpdatesCommands } from './programs/updates.ts';
import { readVersion } from './version.ts';

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
    .option(
      '--profile-file <file>',
      'profile written by "npm start" (default: .kbroker/operator.json here or in a folder above)',
    )
    .option('--json', 'print JSON for scripts')
    .configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: (text) => void io.stderr.write(text) })
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed or refused, 2 wrong arguments, 3 broker not reachable or access denied.',
    );
  const kit = createKit(program, io, end);
  addLoginCommands(program, kit);
  kit.sub(program, 'status', 'index, fleet, requests and repository in numbers').action(kit.online(showStatus));
  addIndexCommands(program, kit);
  addUpdatesCommands(program, kit);
  addFilesCommands(program, kit);
  addRequestsCommands(program, kit);
  addHostsCommands(program, kit);
  addGroupsCommands(program, kit);
  addRulesCommands(program, kit);
  addPackagesCommands(program, kit);
  addTrustCommands(program, kit);
  addCommandsCommands(program, kit);
  addTokensCommands(program, kit);
  addAuditCommands(program, kit);
  addSetupCommands(program, kit);
  addCabCommands(program, kit);
  return program;
}
