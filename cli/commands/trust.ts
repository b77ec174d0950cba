import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { TrustPin } from '#shared/contract/login.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { sha256 } from '#shared/contract/primitives.ts';
import type { TrustView } from '#shared/contract/trust.ts';
import { initialDocuments } from '#shared/repository/author.ts';
import { publicKeyOf, sha256Of } from '#shared/repository/metadata.ts';
import { createKeyFile } from '#shared/signing/key-file.ts';
import { isKeyFile, openSigner } from '#shared/signing/open.ts';
import type { Signer } from '#shared/signing/port.ts';
import { SigningError } from '#shared/signing/signing-error.ts';
import { CliError } from '../cli-error.ts';
import { counted } from '../counted.ts';
import { type ExitCode, exitCodes, printJson, printLines, printTable } from '../io.ts';
import { readAsHost } from '../trust/as-host.ts';
import { inWords } from '../trust/faults.ts';
import { readSignedState } from '../trust/signed-state.ts';
import type { CommandContext } from './context.ts';

export interface InitFlags {
  /** Keys of administrators: files, which are made when they are missing, or `kms:ARN`. */
  readonly key?: readonly string[];
  /** How many of them must sign root and targets. */
  readonly threshold?: string;
}

/**
 * `kbroker trust init`: makes the signed repository. It takes one command: a key is made when none is named, the rules in
 * force are signed, and the root is pinned here.
 *
 * @throws CliError `refused` when there is a repository already
 */
export async function initTrust(context: CommandContext, flags: InitFlags): Promise<ExitCode> {
  const { call, trust } = context;
  const references = flags.key ?? [join(trust.folder, 'administrator.pem')];
  const threshold = readThreshold(flags.threshold ?? '1', references.length);
  const view = await call(operatorEndpoints.getTrust);
  if (view.repository !== undefined)
    throw new CliError(
      'refused',
      `there is a repository already, with the root ${view.repository.rootSha256}; "kbroker trust pin" believes one`,
    );
  await mkdir(trust.folder, { recursive: true, mode: 0o700 });
  const signers: Signer[] = [];
  for (const reference of references) signers.push(await inWords(() => openOrMake(reference)));
  const { book, revision } = await call(operatorEndpoints.getRules);
  const documents = await inWords(() =>
    initialDocuments({
      signers,
      threshold,
      onlineKey: view.onlineKey.publicKey,
      book,
      revision,
      now: context.now(),
    }),
  );
  const rootSha256 = sha256Of(documents[0]?.text ?? '');
  await call(operatorEndpoints.changeTrust, {
    body: { version: 1, documents: [...documents], comment: 'the first root' },
  });
  await trust.write({ version: 1, rootSha256, ...(references[0] !== undefined && { key: references[0] }) });
  await waitForRoot(context, rootSha256);
  if (context.json) printJson(context.io, { version: 1, rootSha256, keys: references, threshold });
  else
    printLines(context.io, [
      `the repository is signed; its root is ${rootSha256}`,
      `  ${threshold} of ${counted(references.length, 'key')} must sign: ${references.join(', ')}`,
      `  rules of revision ${revision} are signed; "kbroker rules" signs what comes with the first key`,
      '  tokens that are made from now on carry the root; keep a copy of the keys where this machine is not',
    ]);
  return exitCodes.ok;
}

function readThreshold(text: string, keys: number): number {
  const threshold = Number(text);
  if (/^\d{1,2}$/.test(text) && threshold >= 1 && threshold <= keys) return threshold;
  throw new CliError('usage', `--threshold: got ${JSON.stringify(text)}, allowed is 1 to ${keys}, the number of keys`);
}

async function openOrMake(reference: string): Promise<Signer> {
  try {
    return await openSigner(reference);
  } catch (error) {
    const missing = error instanceof SigningError && error.code === 'not-found';
    if (!missing || !isKeyFile(reference)) throw error;
    return createKeyFile(reference);
  }
}

const pollMilliseconds = 500;
const maxPolls = 120;

async function waitForRoot({ call, sleep }: CommandContext, rootSha256: string): Promise<void> {
  for (let polls = 0; polls < maxPolls; polls += 1) {
    const { repository } = await call(operatorEndpoints.getTrust);
    if (repository?.rootSha256 === rootSha256) return;
    if (repository !== undefined)
      throw new CliError('conflict', `somebody else was faster: the root is ${repository.rootSha256}`);
    await sleep(pollMilliseconds);
  }
  throw new CliError(
    'refused',
    'the first version was accepted and is not published after a minute; docs/operating.md says what may be wrong',
  );
}

/** How long before its end a signature is worth a warning. Milliseconds. */
const soon = 30 * 86_400_000;

/**
 * `kbroker trust status`: who signs what and until when, and whether the pinned root proves it. Fails when something has
 * ended or is not proved.
 */
export async function showTrust(context: CommandContext): Promise<ExitCode> {
  const { call, trust, io, json, now } = context;
  const view = await call(operatorEndpoints.getTrust);
  const pin = await trust.read();
  const faults: string[] = [];
  if (view.repository === undefined) faults.push('there is no repository yet: "kbroker trust init" makes it');
  else if (pin !== undefined) faults.push(...(await faultsBy(context, pin)));
  const ending = endingOf(view, now());
  faults.push(...ending.ended);
  if (json)
    printJson(io, {
      version: 1,
      trust: view,
      ...(pin !== undefined && { pinned: pin.rootSha256 }),
      faults,
      warnings: ending.soon,
    });
  else {
    if (view.repository !== undefined) printRoles(context, view.repository);
    printLines(io, [
      pin === undefined ? 'no root is pinned here: nothing of this is proved' : `pinned root: ${pin.rootSha256}`,
      `online key: ${view.onlineKey.keyId}`,
      ...faults,
      ...ending.soon,
    ]);
  }
  return faults.length === 0 ? exitCodes.ok : exitCodes.failed;
}

/** What the pinned root does not prove, and what hosts refuse, which read the repository by the same client. */
async function faultsBy(context: CommandContext, pin: TrustPin): Promise<readonly string[]> {
  const asked = await Promise.allSettled([readSignedState(context, pin), readAsHost(context, pin)]);
  const [state, host] = asked.map((one) => (one.status === 'rejected' ? one.reason : undefined) as unknown);
  const found = asked[0].status === 'fulfilled' ? asked[0].value.faults.map((fault) => `not proved: ${fault}`) : [];
  for (const [error, what] of [
    [state, `the pinned root ${pin.rootSha256} does not prove it`],
    [host, 'hosts refuse it'],
  ] as const) {
    if (error === undefined) continue;
    if (!(error instanceof CliError)) throw error;
    found.push(`${what}: ${error.message}`);
  }
  return found;
}

function printRoles({ io }: CommandContext, { rootSha256, roles }: NonNullable<TrustView['repository']>): void {
  printLines(io, [`root in force: ${rootSha256}`]);
  printTable(
    io,
    ['ROLE', 'VERSION', 'EXPIRES', 'SIGNED BY', 'KEYS'],
    roles.map(({ role, version, expiresAt, threshold, keys, signedBy }) => [
      role,
      String(version),
      expiresAt,
      `${signedBy.length}, ${threshold} must`,
      keys.map((key) => (signedBy.includes(key) ? key.slice(0, 12) : `(${key.slice(0, 12)})`)).join(' '),
    ]),
  );
}

/** What ended, and what ends within 30 days by the hand of an administrator. */
function endingOf({ repository }: TrustView, now: Date): { readonly ended: string[]; readonly soon: string[] } {
  const ended: string[] = [];
  const near: string[] = [];
  for (const { role, expiresAt } of repository?.roles ?? []) {
    const left = Date.parse(expiresAt) - now.getTime();
    if (left <= 0) ended.push(`${role} has ended: hosts refuse it`);
    else if (left < soon && !['feed', 'snapshot', 'timestamp'].includes(role))
      near.push(`${role} ends in ${Math.floor(left / 86_400_000)} days: "kbroker trust renew" signs it again`);
  }
  return { ended, soon: near };
}

export interface PinFlags {
  /** Key to sign with from here: a file or `kms:ARN`. */
  readonly key?: string;
}

/**
 * `kbroker trust pin SHA256`: believes the repository that begins with this root. The digest must come from another
 * administrator, by a way that does not lead through the broker.
 *
 * @throws CliError `usage` for what is no digest, `refused` when the repository does not begin with it
 */
export async function pinRoot(context: CommandContext, digest: string, flags: PinFlags): Promise<ExitCode> {
  const parsed = z.safeParse(sha256, digest.trim().toLowerCase());
  if (!parsed.success)
    throw new CliError('usage', `not a digest: got ${JSON.stringify(digest)}, allowed are 64 hex digits`);
  if (flags.key !== undefined) await inWords(() => openSigner(flags.key ?? ''));
  const before = await context.trust.read();
  const key = flags.key ?? before?.key;
  const pin = { version: 1 as const, rootSha256: parsed.data, ...(key !== undefined && { key }) };
  const { revision, seen, faults } = await readSignedState(context, pin);
  if (faults.length > 0)
    throw new CliError('refused', `${faults.join('; ')}: let another administrator mend it first (docs/trust.md)`);
  await context.trust.write({ ...pin, seen });
  if (context.json) printJson(context.io, pin);
  else printLines(context.io, [`pinned ${pin.rootSha256}; it proves the repository, rules of revision ${revision}`]);
  return exitCodes.ok;
}

/**
 * `kbroker trust new-key FILE`: makes a key, and writes its public half beside it, for an administrator to add.
 *
 * @throws CliError `refused` when there is a file already
 */
export async function newKey(context: Pick<CommandContext, 'io' | 'json'>, file: string): Promise<ExitCode> {
  const signer = await inWords(() => createKeyFile(file));
  const publicKey = await signer.publicKey();
  const { keyId } = publicKeyOf(publicKey);
  const publicFile = `${file.replace(/\.pem$/, '')}.pub.pem`;
  await writeFile(publicFile, `${publicKey}\n`).catch((cause: unknown) => {
    throw new CliError('usage', `${publicFile} cannot be written: ${String(cause)}`, { cause });
  });
  if (context.json) printJson(context.io, { version: 1, keyId, publicKey, file, publicFile });
  else
    printLines(context.io, [
      `${file} has the key; nobody else may have it`,
      `${publicFile} has its public half, key ${keyId}: another administrator adds it by "kbroker trust add-admin ${publicFile}"`,
    ]);
  return exitCodes.ok;
}
