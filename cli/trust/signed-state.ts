import { join } from 'node:path';
import { buildKey } from '#shared/contract/keys.ts';
import type { TrustPin } from '#shared/contract/login.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { revisionOfRules, signedBook, targetPaths } from '#shared/contract/signed-documents.ts';
import { openTrustedRepository } from '#shared/repository/client.ts';
import type { Published } from '#shared/repository/published.ts';
import { openSigner } from '#shared/signing/open.ts';
import type { Signer } from '#shared/signing/port.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../commands/context.ts';
import { inWords } from './faults.ts';

/** The repository as the pinned root proves it. */
export interface SignedState {
  readonly parts: Published;
  /** The book that administrators signed, and its revision. */
  readonly book: RuleBook;
  readonly revision: number;
}

/**
 * Reads the published version through the API and believes only what the pinned root proves: an administrator who signs the
 * next version must not sign what somebody put into the broker's tables.
 *
 * @throws CliError `refused` with the role and what is wrong with it
 */
export async function readSignedState({ call, trust }: CommandContext, pin: TrustPin): Promise<SignedState> {
  const repository = openTrustedRepository({
    folder: join(trust.folder, 'metadata'),
    rootSha256: pin.rootSha256,
    async fetch(key) {
      const { text } = await call(operatorEndpoints.getTrustFile, { query: { key: buildKey(key) } });
      return text === undefined ? undefined : Buffer.from(text);
    },
  });
  return inWords(async () => {
    const version = await repository.refresh();
    const book = await version.document(targetPaths.book, signedBook);
    const part = {
      root: await version.metadata('root'),
      targets: await version.metadata('targets'),
      rules: await version.metadata('rules'),
      custom: await version.metadata('custom'),
      agent: await version.metadata('agent'),
      feed: await version.metadata('feed'),
      snapshot: await version.metadata('snapshot'),
      timestamp: await version.metadata('timestamp'),
    };
    if (book === undefined) throw new CliError('refused', 'the signed rules have no book');
    return { parts: part, book: book.book, revision: revisionOfRules(part.rules.signed.version) };
  });
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
