import { buildKey, type RepositoryKey } from '#shared/contract/keys.ts';
import type { TrustPin } from '#shared/contract/login.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { type Proven, readProven, type Versions } from '#shared/repository/proven.ts';
import { openSigner } from '#shared/signing/open.ts';
import type { Signer } from '#shared/signing/port.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../commands/context.ts';
import { inWords } from './faults.ts';

/** What administrators signed, as the pinned root proves it, and what the rule store has beside it. */
export interface SignedState extends Proven {
  /** Revision of the rule store; another one than `revision` nobody signed, or the store was put back. */
  readonly storedRevision: number;
}

/** One file of the repository, through the API. */
export const fileReader =
  ({ call }: Pick<CommandContext, 'call'>) =>
  async (key: RepositoryKey): Promise<string | undefined> =>
    (await call(operatorEndpoints.getTrustFile, { query: { key: buildKey(key) } })).text;

/**
 * Reads what administrators signed through the API and believes only what the pinned root proves: an administrator who signs
 * the next version must not sign what somebody put into the broker's tables. What was proved is remembered beside the pin, so
 * that nothing older is believed on this machine.
 *
 * @throws CliError `refused` with the role and what is wrong with it
 */
export async function readSignedState(context: CommandContext, pin: TrustPin): Promise<SignedState> {
  const stored = await context.call(operatorEndpoints.getRules);
  const state = await inWords(() =>
    readProven(fileReader(context), {
      rootSha256: pin.rootSha256,
      now: context.now(),
      known: pin.seen,
      stored,
    }),
  );
  await remember(context, pin, state.seen);
  return { ...state, storedRevision: stored.revision };
}

async function remember({ trust }: CommandContext, pin: TrustPin, seen: Versions): Promise<void> {
  const before = await trust.read();
  // A digest that is only tried is not pinned yet.
  if (before?.rootSha256 !== pin.rootSha256 || JSON.stringify(before.seen) === JSON.stringify(seen)) return;
  await trust.write({ ...before, seen });
}

/** Says on stderr what hosts do not believe of what is published, and what they refuse because it has ended. */
export function warnOf({ io }: Pick<CommandContext, 'io'>, { faults, ended, parts, revision }: SignedState): void {
  for (const fault of faults) io.stderr.write(`warning: ${fault}\n`);
  if (faults.length > 0)
    io.stderr.write(
      `warning: this begins with what administrators signed last: root ${parts.root.signed.version}, rules of revision ${revision}\n`,
    );
  if (ended.length > 0) io.stderr.write(`warning: hosts refuse what is published: ${ended.join(', ')} ended\n`);
}

/** @throws CliError `usage` when nothing is pinned here */
export async function requirePin({ trust }: CommandContext): Promise<TrustPin> {
  const pin = await trust.read();
  if (pin !== undefined) return pin;
  throw new CliError(
    'usage',
    'no root is pinned here: "kbroker trust init" makes a repository, "kbroker trust pin SHA256" believes the one of others',
  );
}

/** The key of whoever sits here. @throws CliError `usage` when none is named, `refused` when it is no good */
export function openKey(pin: TrustPin | undefined, named: string | undefined): Promise<Signer> {
  const reference = named ?? pin?.key;
  if (reference === undefined)
    throw new CliError('usage', 'no key to sign with: name one by --key FILE, or kms:ARN of a key in AWS KMS');
  return inWords(() => openSigner(reference));
}
