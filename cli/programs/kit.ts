import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { trustFolderOf } from '#shared/contract/login.ts';
import { createOperatorClient } from '../client.ts';
import type { CommandContext } from '../commands/context.ts';
import type { CliIo } from '../io.ts';
import { readSettings } from '../settings.ts';
import { openTrustHome } from '../trust/home.ts';

/** What the parts of the command line are put together with. */
export interface ProgramKit {
  readonly io: CliIo;
  /** Says how the command ended; without it, well. */
  readonly end: (exitCode: number) => void;
  /** Adds a command with the options that every command has. */
  readonly sub: (parent: Command, name: string, description: string) => Command;
  /** Action of a command that talks to the broker. */
  readonly online: <A extends unknown[]>(
    run: (context: CommandContext, ...args: A) => Promise<number>,
  ) => (...args: [...A, ...unknown[]]) => Promise<void>;
}

/** Adds the commands of one noun to the program. */
export type AddCommands = (program: Command, kit: ProgramKit) => void;

interface GlobalFlags {
  readonly api?: string;
  readonly profileFile?: string;
  readonly json?: boolean;
}

/** The flag `--json`, which may stand before or after the command. */
export const wantsJson = (command: Command): boolean => command.optsWithGlobals<GlobalFlags>().json === true;

export function createKit(program: Command, io: CliIo, end: (exitCode: number) => void): ProgramKit {
  return {
    io,
    end,
    sub: (parent, name, description) =>
      parent
        .command(name)
        .description(description)
        .option('--json', 'print JSON for scripts')
        .configureOutput({
          writeOut: (text) => void io.stdout.write(text),
          writeErr: (text) => void io.stderr.write(text),
        })
        .exitOverride(),
    online:
      <A extends unknown[]>(run: (context: CommandContext, ...args: A) => Promise<number>) =>
      async (...args: [...A, ...unknown[]]): Promise<void> => {
        const flags = program.opts<GlobalFlags>();
        const command = args.at(-1);
        const json = flags.json === true || (command instanceof Command && wantsJson(command));
        const settings = await readSettings(flags, io);
        const context: CommandContext = {
          io,
          json,
          call: createOperatorClient(settings),
          trust: openTrustHome(trustFolderOf(settings.profileFile)),
          apiUrl: settings.apiUrl,
          sleep: (milliseconds) => sleep(milliseconds),
          now: () => new Date(),
        };
        end(await run(context, ...(args.slice(0, -1) as A)));
      },
  };
}

/** Values of an option that may be repeated or comma-separated; empty ones are passed over. */
export const list = (value: string, previous: readonly string[] | undefined): readonly string[] => [
  ...(previous ?? []),
  ...value.split(',').filter((part) => part !== ''),
];

/** Like {@link list}, but an empty part is not passed over: nothing selected is not everything. */
export const selection = (value: string, previous: readonly string[] | undefined): readonly string[] => [
  ...(previous ?? []),
  ...value.split(','),
];
