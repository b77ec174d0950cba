import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { CustomDocument } from '#shared/contract/packages.ts';
import { assignmentsOf, manifestsIn, type PackageState, signedPackages } from '#shared/repository/packages.ts';
import { nextFree } from '#shared/repository/proven.ts';
import type { CommandContext } from '../commands/context.ts';
import { type ConfirmFlags, confirm, requireYes } from '../confirm.ts';
import { type ExitCode, exitCodes, printJson, printLines } from '../io.ts';
import { inWords } from '../trust/faults.ts';
import { fileReader, openKey, readSignedState, requirePin, type SignedState, warnOf } from '../trust/signed-state.ts';
import { waitUntilOut } from '../trust/submit.ts';

/** Flags of every command that changes packages. */
export interface PackageFlags extends ConfirmFlags {
  /** Why; stays in the audit log. */
  readonly comment?: string;
  /** Key to sign with. @default - the one of `trust init` or `trust pin` */
  readonly key?: string;
}

/** What a command makes of the packages that are signed. */
export interface PackageChange {
  readonly next: PackageState;
  /** Manifests that are new. */
  readonly manifests: readonly CustomDocument[];
  /** What was changed, in words. */
  readonly said: readonly string[];
}

/** The packages that administrators signed, as the pinned root proves them; never what the API tells. */
export async function readPackages(context: CommandContext): Promise<{
  readonly signed: SignedState;
  readonly state: PackageState;
}> {
  const signed = await readSignedState(context, await requirePin(context));
  warnOf(context, signed);
  const { custom } = signed.parts;
  const assignments = await inWords(() => assignmentsOf(custom, fileReader(context)));
  return { signed, state: { manifests: manifestsIn(custom), assignments } };
}

/**
 * Changes packages: begins with those that are signed, asks, signs the next version, and waits until it is out.
 *
 * @param question what is asked before; undefined: nothing is installed or taken away by it, so nobody is asked
 * @throws CliError `usage` before anything is sent; `conflict` when somebody else was faster
 */
export async function changePackages(
  context: CommandContext,
  flags: PackageFlags,
  question: string | undefined,
  change: (state: PackageState) => PackageChange | Promise<PackageChange>,
): Promise<ExitCode> {
  if (question !== undefined) requireYes(context.io, 'what hosts run by other packages', flags);
  const signer = await openKey(await requirePin(context), flags.key);
  const { signed, state } = await readPackages(context);
  const { next, manifests, said } = await change(state);
  if (question !== undefined) await confirm(context.io, question, flags);
  const { custom } = signed.parts;
  const version = await inWords(() => nextFree(fileReader(context), 'custom', custom.signed.version + 1));
  const { text, book } = await inWords(() => signedPackages(next, { version, signer, now: context.now() }));
  const documents = [{ role: 'custom' as const, text }];
  await context.call(operatorEndpoints.changeTrust, {
    body: {
      version: 1,
      documents,
      contents: [{ path: book.path, text: book.text }, ...manifests],
      comment: flags.comment ?? said.join('; ').slice(0, 1024),
    },
  });
  await waitUntilOut(context, documents);
  if (context.json) printJson(context.io, { version: 1, state: 'published', customVersion: version, said });
  else printLines(context.io, [...said, 'published; hosts follow at their next check-in']);
  return exitCodes.ok;
}
