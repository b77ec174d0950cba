/** The administrator of a stack on this machine: makes the signed repository, and signs rules, as `kbroker` would. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Endpoint, RequestOf, ResponseOf } from '#shared/contract/endpoint.ts';
import { trustPin } from '#shared/contract/login.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { RuleBook, RulesDocument } from '#shared/contract/rules.ts';
import { initialDocuments, signedRules } from '#shared/repository/author.ts';
import { sha256Of } from '#shared/repository/metadata.ts';
import { createKeyFile, openKeyFile } from '#shared/signing/key-file.ts';

export interface Administrator {
  /** Of the root that hosts pin. */
  readonly rootSha256: string;
  /** Signs these rules as the next revision and puts them. */
  putRules(book: RuleBook, comment?: string): Promise<RulesDocument>;
}

export interface AdministratorOptions {
  /** The operators' API, as an administrator. */
  readonly call: <E extends Endpoint>(
    endpoint: E,
    options?: { readonly body?: RequestOf<E> },
  ) => Promise<ResponseOf<E>>;
  /** Where the key and the pinned root lie, as the command line looks for them beside its profile. */
  readonly folder: string;
}

/** How long the first version may take. Milliseconds. */
const timeoutMilliseconds = 60_000;

/**
 * Makes the repository of a stack that has none, or goes on with the key that made it.
 *
 * @throws Error when there is a repository that somebody else made
 */
export async function openAdministrator({ call, folder }: AdministratorOptions): Promise<Administrator> {
  const [pinFile, keyFile] = [join(folder, 'trust.json'), join(folder, 'administrator.pem')];
  const { repository, onlineKey } = await call(operatorEndpoints.getTrust);
  let rootSha256: string;
  if (repository === undefined) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Of a start that was cut off.
    const signer = await openKeyFile(keyFile).catch(() => createKeyFile(keyFile));
    const { book, revision } = await call(operatorEndpoints.getRules);
    const now = new Date();
    const documents = await initialDocuments({
      signers: [signer],
      threshold: 1,
      onlineKey: onlineKey.publicKey,
      book,
      revision,
      now,
    });
    rootSha256 = sha256Of(documents[0]?.text ?? '');
    await call(operatorEndpoints.changeTrust, { body: { version: 1, documents: [...documents] } });
    await writeFile(`${pinFile}.new`, `${JSON.stringify({ version: 1, rootSha256, key: keyFile })}\n`, { mode: 0o600 });
    await rename(`${pinFile}.new`, pinFile);
    await published(call);
  } else {
    ({ rootSha256 } = z.parse(trustPin, JSON.parse(await readFile(pinFile, 'utf8'))));
  }
  const signer = await openKeyFile(keyFile);
  return {
    rootSha256,
    async putRules(book, comment) {
      const { revision } = await call(operatorEndpoints.getRules);
      const signed = await signedRules(book, revision + 1, signer, new Date());
      const body = { version: 2, expectedRevision: revision, book, signed, ...(comment !== undefined && { comment }) };
      return call(operatorEndpoints.putRules, { body: { ...body, version: 2 } });
    },
  };
}

async function published(call: AdministratorOptions['call']): Promise<void> {
  for (const end = Date.now() + timeoutMilliseconds; Date.now() < end; await sleep(200)) {
    const { repository } = await call(operatorEndpoints.getTrust);
    if (repository !== undefined) return;
  }
  throw new Error(`the signed repository was not published within ${timeoutMilliseconds / 1000} seconds`);
}
