import { createPublicKey, generateKeyPair } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type DeploymentConfig, deploymentConfig, maxRepositoryKeys } from '#shared/contract/deployment.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { CliError } from '../cli-error.ts';
import { confirm, requireYes } from '../confirm.ts';
import { fileFault } from '../file-fault.ts';
import { type CliIo, type ExitCode, exitCodes, printJson, printLines } from '../io.ts';

export interface SetupContext {
  readonly io: CliIo;
  readonly json: boolean;
  /** With the credentials of whoever deploys the stack, in its region. */
  readonly secrets: SecretsManagerClient;
}

export interface SetupKeysFlags {
  readonly secretName: string;
  /** File that infra/app.ts reads. */
  readonly config: string;
  readonly rotate?: boolean;
  readonly yes?: boolean;
}

/** The secret as it is kept. */
interface KeptKey {
  readonly secretArn: string;
  readonly publicKey: string;
}

/**
 * `kbroker setup keys`: the key whose cookies open the repository. CloudFormation cannot make one: the private half goes
 * into a secret, the public half into the file that the stack is made from. A key that is there is kept, so that the
 * command can be repeated; `--rotate` puts a new one beside it.
 *
 * @throws CliError before anything is changed when the secret and the file do not belong together
 */
export async function setupKeys(context: SetupContext, flags: SetupKeysFlags): Promise<ExitCode> {
  const { io } = context;
  const { rotate = false } = flags;
  const before = await readConfig(flags.config);
  const kept = await explained(readKey(context, flags.secretName));
  const known = before?.repositoryKey.publicKeys ?? [];
  if (rotate) {
    if (kept === undefined)
      throw new CliError(
        'not-found',
        `there is no secret ${flags.secretName} to rotate: leave out --rotate to make one`,
      );
    if (known[0] !== kept.publicKey)
      throw new CliError(
        'refused',
        `${flags.config} does not name the key that ${flags.secretName} holds: leave out --rotate to write it, deploy the stack, and rotate then`,
      );
    const question = `Make a new key in ${flags.secretName}?`;
    requireYes(io, 'a rotation', flags);
    await confirm(io, question, flags);
  }
  const key = rotate || kept === undefined ? await explained(makeKey(context, flags, kept)) : kept;
  const publicKeys = [key.publicKey, ...known.filter((pem) => pem !== key.publicKey)].slice(0, maxRepositoryKeys);
  const config: DeploymentConfig = { version: 1, repositoryKey: { secretArn: key.secretArn, publicKeys } };
  const changed = JSON.stringify(config) !== JSON.stringify(before);
  if (changed) await writeConfig(flags.config, config);
  const done = rotate ? 'rotated' : kept === undefined ? 'made' : 'kept';
  report(context, flags, { done, secretArn: key.secretArn, changed });
  return exitCodes.ok;
}

interface SetupReport {
  readonly done: 'made' | 'kept' | 'rotated';
  readonly secretArn: string;
  /** Whether the file was written. */
  readonly changed: boolean;
}

function report(
  { io, json }: SetupContext,
  { config }: SetupKeysFlags,
  { done, secretArn, changed }: SetupReport,
): void {
  if (json) {
    printJson(io, { version: 1, done, secretArn, config, changed });
    return;
  }
  const what = {
    made: 'A key was made.',
    kept: 'The key that was there is kept.',
    rotated: 'A new key was made. Until the stack is deployed, the one before goes on signing.',
  }[done];
  printLines(io, [
    what,
    `  private half  ${secretArn}`,
    `  public half   ${config}${changed ? '' : ' (unchanged)'}`,
    done === 'rotated'
      ? 'Now deploy the stack (npx cdk deploy), and do not rotate again before that.'
      : 'The stack can be deployed: npx cdk deploy',
  ]);
}

/** The key in the secret. `undefined` when there is no such secret. */
async function readKey({ secrets }: SetupContext, secretName: string): Promise<KeptKey | undefined> {
  const answer = await secrets.send(new GetSecretValueCommand({ SecretId: secretName })).catch((error: unknown) => {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  });
  if (answer === undefined) return undefined;
  const { ARN, SecretString } = answer;
  const publicKey = publicHalf(SecretString);
  if (ARN === undefined || publicKey === undefined)
    throw new CliError(
      'refused',
      `the secret ${secretName} holds no RSA key of 2048 bits in PEM: choose another --secret-name`,
    );
  return { secretArn: ARN, publicKey };
}

function publicHalf(privateKey: string | undefined): string | undefined {
  if (privateKey === undefined) return undefined;
  try {
    const key = createPublicKey(privateKey);
    if (key.asymmetricKeyType !== 'rsa' || key.asymmetricKeyDetails?.modulusLength !== 2048) return undefined;
    return key.export({ type: 'spki', format: 'pem' }).toString();
  } catch {
    return undefined;
  }
}

/** A new secret, or a new version of the one that is there: Secrets Manager keeps the version before as the previous one. */
async function makeKey(
  { secrets }: SetupContext,
  { secretName }: SetupKeysFlags,
  kept: KeptKey | undefined,
): Promise<KeptKey> {
  // What CloudFront takes.
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  if (kept !== undefined) {
    await secrets.send(new PutSecretValueCommand({ SecretId: kept.secretArn, SecretString: privateKey }));
    return { secretArn: kept.secretArn, publicKey };
  }
  const Description = 'Private key that signs the cookies of the update repository (kbroker setup keys)';
  const { ARN } = await secrets.send(
    new CreateSecretCommand({ Name: secretName, Description, SecretString: privateKey }),
  );
  if (ARN === undefined) throw new CliError('bad-answer', `Secrets Manager made ${secretName} and told no ARN`);
  return { secretArn: ARN, publicKey };
}

/** @throws CliError `usage` for a file that is there and does not fit: it is not written over */
async function readConfig(file: string): Promise<DeploymentConfig | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    const fault = fileFault(error);
    if (fault === undefined) throw error;
    throw new CliError('usage', `${file}: ${fault.message}`, { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CliError('usage', `${file} is not JSON: ${String(cause)}`, { cause });
  }
  const parsed = parseInWords(deploymentConfig, value);
  if (parsed.success) return parsed.data;
  throw new CliError('usage', `${file} does not fit: ${inOneLine(parsed.faults)}`);
}

async function writeConfig(file: string, config: DeploymentConfig): Promise<void> {
  try {
    await writeFile(`${file}.new`, `${JSON.stringify(config, undefined, 2)}\n`);
    await rename(`${file}.new`, file);
  } catch (cause) {
    const message = `the key is in the secret, but ${file} could not be written: run the same again without --rotate (${String(cause)})`;
    throw new CliError('refused', message, { cause });
  }
}

/** Failures of AWS in one line each. */
async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Error) || error instanceof CliError) throw error;
    const why = `${error.name}: ${error.message}`;
    if (/Credential|AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|Token/.test(error.name))
      throw new CliError('unauthenticated', `AWS did not let us in: ${why}`, { cause: error });
    if (/region/i.test(error.message))
      throw new CliError('usage', 'no AWS region: give --region, or set AWS_REGION', { cause: error });
    if ('$fault' in error && error.$fault === 'client')
      throw new CliError('refused', `AWS refused: ${why}`, { cause: error });
    throw new CliError('unreachable', `Secrets Manager could not be reached: ${why}`, { cause: error });
  }
}
