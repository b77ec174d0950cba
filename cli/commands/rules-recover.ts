import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { type ConfirmFlags, confirm, requireYes } from '../confirm.ts';
import { type ExitCode, exitCodes, printJson, printLines } from '../io.ts';
import { openKey, readSignedState, requirePin, warnOf } from '../trust/signed-state.ts';
import { passTakenNumbers, putAgain } from '../trust/taken-numbers.ts';
import type { CommandContext } from './context.ts';

export interface RecoverFlags extends ConfirmFlags {
  /** Key to sign with. @default - the one of `trust init` or `trust pin` */
  readonly key?: string;
}

/**
 * `kbroker rules recover`: after somebody wrote into the rule table, or it was put back from a backup, the rules that
 * administrators signed last are written and signed again. Nothing of what is stored is taken over.
 *
 * @throws CliError `usage` where no root is pinned; `refused` when the answer is not yes; `conflict` when somebody else
 *   changed the rules meanwhile
 */
export async function recoverRules(context: CommandContext, flags: RecoverFlags): Promise<ExitCode> {
  requireYes(context.io, 'what hosts install by other rules', flags);
  const pin = await requirePin(context);
  const signer = await openKey(pin, flags.key);
  const state = await readSignedState(context, pin);
  warnOf(context, state);
  const { revision, storedRevision } = state;
  if (revision === storedRevision)
    context.io.stderr.write(`the stored rules, revision ${revision}, are signed: nothing was written\n`);
  else {
    await confirm(context.io, `Put revision ${revision}, which is signed, in the place of ${storedRevision}?`, flags);
    const free = await passTakenNumbers(context, state, signer);
    await putAgain(context, {
      book: state.book,
      signer,
      revision: free,
      comment: 'signed rules in the place of others',
    });
  }
  const written = await context.call(operatorEndpoints.getRules);
  if (context.json) printJson(context.io, written);
  else printLines(context.io, [`revision ${written.revision} is in force, with the rules of revision ${revision}`]);
  return exitCodes.ok;
}
