/** The repository's key of a stack on this machine, in the place of `kbroker setup keys`. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { type DeploymentConfig, deploymentConfig } from '#shared/contract/deployment.ts';

/** Of the account that the local stack runs in. Its last six characters are what Secrets Manager would add by chance. */
const secretArn = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:kbroker/repository-key-local0';

export interface LocalRepositoryKey {
  /** File for infra/app.ts, which is told of it by KBROKER_CONFIG. */
  readonly configFile: string;
  /** For `secrets` of the stack's options: the private half, by the ARN that the file names. */
  readonly secrets: Readonly<Record<string, string>>;
}

const file = z.object({ version: z.literal(1), config: deploymentConfig, privateKey: z.string() });

/** The key in this folder, made at the first call. Only the owner may read its private half. */
export async function localRepositoryKey(folder: string): Promise<LocalRepositoryKey> {
  await mkdir(folder, { recursive: true });
  const keyFile = join(folder, 'key.json');
  const { config, privateKey } = await readKey(keyFile).catch(async (error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const made = makeKey();
    await writeFile(`${keyFile}.new`, JSON.stringify(made, undefined, 2), { mode: 0o600 });
    await rename(`${keyFile}.new`, keyFile);
    return made;
  });
  const configFile = join(folder, 'kbroker.config.json');
  await writeFile(configFile, JSON.stringify(config, undefined, 2));
  return { configFile, secrets: { [config.repositoryKey.secretArn]: privateKey } };
}

async function readKey(keyFile: string): Promise<z.infer<typeof file>> {
  return file.parse(JSON.parse(await readFile(keyFile, 'utf8')));
}

function makeKey(): z.infer<typeof file> {
  // What CloudFront takes.
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const config: DeploymentConfig = { version: 1, repositoryKey: { secretArn, publicKeys: [publicKey] } };
  return { version: 1, config, privateKey };
}
