import { CliError } from './cli-error.ts';
import type { CliIo } from './io.ts';
import { printable } from './printable.ts';

/** The flag of commands that cannot be taken back. */
export interface ConfirmFlags {
  readonly yes?: boolean;
}

/**
 * Ends a command that cannot be taken back when nobody said yes and nobody can be asked. Called before anything is sent.
 *
 * @throws CliError `usage`
 */
export function requireYes(io: CliIo, what: string, { yes }: ConfirmFlags): void {
  if (yes === true || io.ask !== undefined) return;
  throw new CliError('usage', `${what} cannot be taken back, and there is no terminal to ask on: say --yes`);
}

/**
 * Asks on the terminal, unless `--yes` was given.
 *
 * @throws CliError `refused` when the answer is not yes
 */
export async function confirm(io: CliIo, question: string, { yes }: ConfirmFlags): Promise<void> {
  if (yes === true) return;
  const answer = (await io.ask?.(`${printable(question)} [y/N] `)) ?? '';
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('refused', 'not done: the answer was not yes');
}
