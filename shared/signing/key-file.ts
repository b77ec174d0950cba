import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Signer } from './port.ts';
import { SigningError } from './signing-error.ts';

/**
 * Makes a new key on P-256 as PKCS #8 in a file that its owner alone may read. An existing file is left alone.
 *
 * @throws SigningError `bad-key` when there is a file already
 */
export async function createKeyFile(path: string): Promise<Signer> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const file = await open(path, 'wx', 0o600).catch((cause: unknown) => {
    if (codeOf(cause) === 'EEXIST')
      throw new SigningError('bad-key', `${path} is there already: a key is never overwritten`, { cause });
    throw new SigningError('not-found', `cannot write ${path}: ${wordsOf(cause)}`, { cause });
  });
  try {
    await file.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await file.sync();
  } finally {
    await file.close();
  }
  return signerOf(privateKey);
}

/**
 * A key in a file, PKCS #8 in PEM. A file that others can read is refused, because nobody knows who has a copy. Windows
 * has no modes; there the rights of its folder decide.
 *
 * @throws SigningError `not-found`, `bad-key`
 */
export async function openKeyFile(path: string): Promise<Signer> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new SigningError('not-found', `cannot read the key ${path}: ${wordsOf(cause)}`, { cause });
  });
  try {
    const { mode } = await file.stat();
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const rights = (mode & 0o777).toString(8).padStart(3, '0');
      throw new SigningError('bad-key', `${path} has the mode ${rights}, allowed is 600: others may have read the key`);
    }
    return signerOf(parseKey(await file.readFile('utf8'), path));
  } finally {
    await file.close();
  }
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
    throw new TypeError(`it is of type ${key.asymmetricKeyType}, allowed is a key on P-256`);
  } catch (cause) {
    throw new SigningError('bad-key', `${path} holds no key that can sign: ${wordsOf(cause)}`, { cause });
  }
}

function signerOf(privateKey: KeyObject): Signer {
  const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString().trim();
  return {
    publicKey: () => Promise.resolve(pem),
    sign: (bytes) => Promise.resolve(sign('sha256', bytes, privateKey)),
  };
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
