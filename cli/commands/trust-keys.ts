import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { addSignature, documentsForKeyholders, type Keyholders, keyholdersOf } from '#shared/repository/author.ts';
import { type PublicKey, publicKeyOf } from '#shared/repository/metadata.ts';
import { nextFree } from '#shared/repository/proven.ts';
import { type Review, reviewChange } from '#shared/repository/review-change.ts';
import { CliError } from '../cli-error.ts';
import { type ConfirmFlags, confirm, requireYes } from '../confirm.ts';
import { counted } from '../counted.ts';
import type { ExitCode } from '../io.ts';
import { inWords } from '../trust/faults.ts';
import { fileReader, openKey, readSignedState, requirePin, type SignedState, warnOf } from '../trust/signed-state.ts';
import { readChange, submit } from '../trust/submit.ts';
import { overUnsigned } from '../trust/taken-numbers.ts';
import type { CommandContext } from './context.ts';

/** Flags of every command that changes who may sign. */
export interface TrustFlags {
  /** Key to sign with: a file or `kms:ARN`. @default - the one that was named at init or pin */
  readonly key?: string;
  /** Where the change is written when it lacks signatures. */
  readonly out?: string;
}

const defaultOut = 'trust-change.json';

/** Changes keyholders: signs everything that follows, and publishes it or hands it on. */
async function change(
  context: CommandContext,
  flags: TrustFlags,
  what: string,
  next: (now: Keyholders) => Keyholders | Promise<Keyholders>,
): Promise<ExitCode> {
  const pin = await requirePin(context);
  const signer = await openKey(pin, flags.key);
  const read = await readSignedState(context, pin);
  warnOf(context, read);
  const state = await overUnsigned(context, read, signer);
  const documents = await inWords(async () => {
    const keyholders = await next(keyholdersOf(state.parts.root));
    return documentsForKeyholders(state.parts, keyholders, {
      signer,
      book: state.book,
      now: context.now(),
      revision: nextRevision(state),
      versions: await nextVersions(context, state),
    });
  });
  return submit(context, { version: 1, what, documents: [...documents] }, { out: flags.out ?? defaultOut, state });
}

/** Above what is stored and what was signed: neither the store nor hosts go back. */
const nextRevision = ({ storedRevision, revision }: SignedState): number => Math.max(storedRevision, revision) + 1;

/** Numbers may be taken by a run that died, or by somebody who had the publisher's role. */
async function nextVersions(context: CommandContext, { parts }: SignedState) {
  const free = (role: 'targets' | 'custom' | 'agent'): Promise<number> =>
    nextFree(fileReader(context), role, parts[role].signed.version + 1);
  return { targets: await free('targets'), custom: await free('custom'), agent: await free('agent') };
}

export interface AdminFlags extends TrustFlags {
  /** How many administrators must sign root and targets from now on. */
  readonly threshold?: string;
}

/**
 * `kbroker trust add-admin PUBLIC-KEY`: one more administrator.
 *
 * @throws CliError `usage` for a file that holds no public key on P-256, `refused` when the key is there already
 */
export async function addAdmin(context: CommandContext, file: string, flags: AdminFlags): Promise<ExitCode> {
  const added = await readPublicKey(file);
  return change(context, flags, `administrator ${added.keyId.slice(0, 12)} is added`, (now) => {
    if (now.administrators.some(({ keyId }) => keyId === added.keyId))
      throw new CliError('refused', `the key ${added.keyId} is an administrator's already`);
    const administrators = [...now.administrators, added];
    return { ...now, administrators, threshold: thresholdOf(flags, now.threshold, administrators.length) };
  });
}

/**
 * `kbroker trust remove-admin KEY-ID`: that key counts no more, for nothing that it signed either.
 *
 * @param id key id or its beginning, as "kbroker trust status" shows it
 */
export const removeAdmin = (context: CommandContext, id: string, flags: AdminFlags): Promise<ExitCode> =>
  change(context, flags, `administrator ${id} is removed`, (now) => {
    const gone = oneKey(now.administrators, id);
    const administrators = now.administrators.filter((key) => key !== gone);
    if (administrators.length === 0) throw new CliError('refused', 'the last administrator cannot be removed');
    return { ...now, administrators, threshold: thresholdOf(flags, now.threshold, administrators.length) };
  });

export interface RotateFlags extends TrustFlags {
  /** Public half of the key that takes the place of the one that signs. */
  readonly to?: string;
  /** The online key instead: names the one that the broker has now, and drops it on the second run. */
  readonly online?: boolean;
}

/**
 * `kbroker trust rotate`: another key takes the place of an administrator's, or of the online one. The new administrator's
 * key signs, too: `kbroker trust sign`.
 */
export async function rotateKey(context: CommandContext, flags: RotateFlags): Promise<ExitCode> {
  if ((flags.to === undefined) === (flags.online !== true))
    throw new CliError('usage', 'which key: name --to PUBLIC-KEY of an administrator, or --online');
  if (flags.to === undefined) return rotateOnline(context, flags);
  const added = await readPublicKey(flags.to);
  const signer = await openKey(await context.trust.read(), flags.key);
  const { keyId } = publicKeyOf(await inWords(() => signer.publicKey()));
  return change(context, flags, `key ${keyId.slice(0, 12)} becomes ${added.keyId.slice(0, 12)}`, (now) => {
    if (!now.administrators.some((key) => key.keyId === keyId))
      throw new CliError('refused', `the key ${keyId} is no administrator's`);
    return { ...now, administrators: now.administrators.map((key) => (key.keyId === keyId ? added : key)) };
  });
}

/** While two online keys count, hosts believe what either signed; a root with the new one alone follows. */
async function rotateOnline(context: CommandContext, flags: TrustFlags): Promise<ExitCode> {
  const { onlineKey } = await context.call(operatorEndpoints.getTrust);
  const mine = publicKeyOf(onlineKey.publicKey);
  return change(context, flags, `the online key is ${mine.keyId.slice(0, 12)}`, (now) => {
    const known = now.online.some(({ keyId }) => keyId === mine.keyId);
    if (known && now.online.length === 1)
      throw new CliError('refused', `the online key ${mine.keyId} is the one that is signed already`);
    return { ...now, online: known ? [mine] : [...now.online, mine] };
  });
}

/** `kbroker trust renew`: signs everything of administrators again, for as long as at first. */
export const renewTrust = (context: CommandContext, flags: TrustFlags): Promise<ExitCode> =>
  change(context, flags, 'everything is signed again', (now) => now);

export type SignFlags = TrustFlags & ConfirmFlags;

/**
 * `kbroker trust sign FILE`: adds a signature to a change of another administrator; publishes it when it was the last one
 * that lacked. What it does is read from the documents themselves, shown, and asked about: what the file says of itself, and
 * documents that a change of keyholders has no need of, are not believed.
 *
 * @throws CliError `refused` for a change of anything but keyholders, or when the answer is not yes
 */
export async function signTrust(context: CommandContext, file: string, flags: SignFlags): Promise<ExitCode> {
  requireYes(context.io, 'a signature', flags);
  const pin = await requirePin(context);
  const signer = await openKey(pin, flags.key);
  const { documents: offered } = await readChange(file);
  const state = await readSignedState(context, pin);
  warnOf(context, state);
  const review = await inWords(() =>
    reviewChange(offered, state, { revision: nextRevision(state), now: context.now() }),
  );
  const what = wordsOf(review);
  for (const line of what) context.io.stderr.write(`${line}\n`);
  await confirm(context.io, 'Sign this?', flags);
  const documents = await inWords(() => addSignature(offered, signer));
  return submit(
    context,
    { version: 1, what: what.join('; '), documents: [...documents] },
    { out: flags.out ?? file, state },
  );
}

/** What a change of keyholders does, a line each. */
function wordsOf({
  added,
  removed,
  onlineAdded,
  onlineRemoved,
  threshold: [before, after],
  revision,
}: Review): string[] {
  const each = (keys: readonly PublicKey[], what: string): string[] => keys.map(({ keyId }) => `${what} ${keyId}`);
  const changes = [
    ...each(added, 'administrator added:'),
    ...each(removed, 'administrator removed:'),
    ...each(onlineAdded, 'online key added:'),
    ...each(onlineRemoved, 'online key removed:'),
    ...(before === after ? [] : [`${after} must sign, and not ${before}`]),
  ];
  if (changes.length === 0) changes.push('the same keyholders: everything is signed again');
  return [...changes, `the rules in force are signed again, as revision ${revision}`];
}

async function readPublicKey(file: string): Promise<PublicKey> {
  try {
    const key = createPublicKey(await readFile(file));
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
      throw new TypeError(`it is of type ${key.asymmetricKeyType}, allowed is a key on P-256`);
    return publicKeyOf(key.export({ type: 'spki', format: 'pem' }).toString());
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError('usage', `${file} holds no public key: ${why}`, { cause });
  }
}

function oneKey(keys: readonly PublicKey[], id: string): PublicKey {
  const found = keys.filter(({ keyId }) => keyId.startsWith(id.toLowerCase()));
  const [key] = found;
  if (key !== undefined && found.length === 1 && id.length >= 6) return key;
  const known = keys.map(({ keyId }) => keyId.slice(0, 12)).join(', ');
  throw new CliError(
    'not-found',
    `no single key begins with ${JSON.stringify(id)} (6 digits or more); there are ${known}`,
  );
}

function thresholdOf({ threshold }: AdminFlags, before: number, keys: number): number {
  const wanted = threshold === undefined ? Math.min(before, keys) : Number(threshold);
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= keys) return wanted;
  throw new CliError('usage', `--threshold: got ${threshold}, allowed is 1 to ${counted(keys, 'administrator')}`);
}
