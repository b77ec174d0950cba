import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import * as z from 'zod/mini';

const schema = z.object({
  version: z.literal(1),
  /** Signs tokens. */
  key: z.looseObject({ kty: z.string(), kid: z.string() }),
  /** Signs the cookies of the login page. */
  cookieKey: z.string(),
});

/** What the provider signs with. */
export interface IdentitySecrets {
  readonly key: JWK;
  readonly cookieKey: string;
}

/** Those of the file, or new ones that are put there: tokens stay good over a restart. Its owner alone may read it. */
export async function readOrMakeSecrets(file: string): Promise<IdentitySecrets> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text !== undefined) return schema.parse(JSON.parse(text));
  // As Cognito signs: RSA, 2048 bits, SHA-256.
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomBytes(16).toString('base64url');
  const made = {
    version: 1 as const,
    key: { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' },
    cookieKey: randomBytes(32).toString('base64url'),
  };
  await writeFile(`${file}.new`, JSON.stringify(made), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return made;
}
