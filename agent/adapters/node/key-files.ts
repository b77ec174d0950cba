import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, SignJWT } from 'jose';
import * as z from 'zod/mini';
import { hostPublicKey, proofAlgorithm, proofType } from '#shared/contract/agent/identity.ts';
import { AgentError } from '../../ports/agent-error.ts';
import type { HostKey, KeyStore } from '../../ports/identity.ts';
import { isMissing, onDisk, removeIfThere, writeWhole } from './disk.ts';

const suffix = '.pem';

/**
 * Keys as PKCS #8 in files `<thumbprint>.pem` of one folder, readable by their owner only; a file that others can read is
 * refused, because nobody knows who has a copy. Windows has no modes: until its adapter keeps keys with DPAPI, the rights
 * of the folder decide there.
 */
export function openKeyFiles(folder: string): KeyStore {
  const pathOf = (thumbprint: string): string => join(folder, `${thumbprint}${suffix}`);
  return {
    list: () =>
      onDisk(`cannot list ${folder}`, async () => {
        try {
          const names = await readdir(folder);
          return names.filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length));
        } catch (error) {
          if (isMissing(error)) return [];
          throw error;
        }
      }),
    open: (thumbprint) =>
      onDisk(`cannot read ${pathOf(thumbprint)}`, async () => {
        const path = pathOf(thumbprint);
        const pem = await readPrivately(path);
        if (pem === undefined) return undefined;
        const key = await hostKeyOf(parseKey(pem, path), path);
        if (key.thumbprint !== thumbprint) {
          throw new AgentError('bad-key', `${path} holds another key, with the thumbprint ${key.thumbprint}`);
        }
        return key;
      }),
    create: () =>
      onDisk(`cannot write a key to ${folder}`, async () => {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const key = await hostKeyOf(privateKey, folder);
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeWhole(pathOf(key.thumbprint), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
        return key;
      }),
    remove: (thumbprint) => onDisk(`cannot remove ${pathOf(thumbprint)}`, () => removeIfThere(pathOf(thumbprint))),
  };
}

/** Text of a file that its owner alone may read, looked at and read by one handle; undefined when there is none. */
async function readPrivately(path: string): Promise<string | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const { mode } = await handle.stat();
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const rights = (mode & 0o777).toString(8).padStart(3, '0');
      throw new AgentError(
        'bad-key',
        `${path} has the mode ${rights}, allowed is 600: others may have read the key of this host. ` +
          'Enrol again with --new-key, or, when nobody else had access, chmod 600 the file',
      );
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
    throw new TypeError(`it is of type ${key.asymmetricKeyType}, allowed is a key on P-256`);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError('bad-key', `${path} is no key of a host: ${why}; enrol again with --new-key`, { cause });
  }
}

async function hostKeyOf(privateKey: KeyObject, where: string): Promise<HostKey> {
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  const publicKey = z.parse(hostPublicKey, { kty, crv, x, y });
  return {
    publicKey,
    thumbprint: await calculateJwkThumbprint(publicKey),
    async sign(claims) {
      try {
        return await new SignJWT({ ...claims })
          .setProtectedHeader({ alg: proofAlgorithm, typ: proofType })
          .sign(privateKey);
      } catch (cause) {
        throw new AgentError('bad-key', `the key in ${where} does not sign`, { cause });
      }
    },
  };
}
