import { execFile } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deploymentConfig } from '#shared/contract/deployment.ts';
import { startSecrets } from '#test/kit/aws-servers.ts';
import { type SetupKeysFlags, setupKeys } from './setup.ts';

let folder: string;
let config: string;
let served: Awaited<ReturnType<typeof startSecrets>>;
let printed: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-setup-'));
  config = join(folder, 'kbroker.config.json');
  served = await startSecrets();
  printed = '';
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const setup = (flags: Partial<SetupKeysFlags> = {}, answer?: string, json = false) => {
  const write = (text: string): void => {
    printed += text;
  };
  const io = {
    stdout: { write },
    stderr: { write },
    env: {},
    ...(answer !== undefined && { ask: async () => answer }),
  };
  return setupKeys({ io, json, secrets: served.client }, { secretName: 'kbroker/key', config, ...flags });
};
const readConfig = async () => deploymentConfig.parse(JSON.parse(await readFile(config, 'utf8'))).repositoryKey;
/** Public halves of what the secret holds. */
async function publicHalves(): Promise<(string | undefined)[]> {
  const halves = ['AWSCURRENT', 'AWSPREVIOUS'].map(async (VersionStage) => {
    const command = new GetSecretValueCommand({ SecretId: 'kbroker/key', VersionStage });
    const answer = await served.client.send(command).catch(() => undefined);
    if (answer?.SecretString === undefined) return undefined;
    expect(createPrivateKey(answer.SecretString).asymmetricKeyDetails?.modulusLength).toBe(2048);
    return createPublicKey(answer.SecretString).export({ type: 'spki', format: 'pem' }).toString();
  });
  return Promise.all(halves);
}

describe('setup keys', () => {
  it('puts the private half into a secret, the public half into the file, and says what is next', async () => {
    expect(await setup()).toBe(0);
    const { secretArn, publicKeys } = await readConfig();
    expect(secretArn).toMatch(/:secret:kbroker\/key-\w{6}$/);
    expect(await publicHalves()).toEqual([publicKeys[0], undefined]);
    expect(await readFile(config, 'utf8')).not.toContain('PRIVATE');
    expect(printed).toContain(secretArn);
    expect(printed).toContain('npx cdk deploy');
    expect(printed).not.toContain('PRIVATE');
  });

  it('keeps the key that is there, and writes its public half where the file is lost', async () => {
    await setup();
    const first = await readFile(config, 'utf8');
    await setup();
    expect(printed).toContain('(unchanged)');
    await rm(config);
    await setup({}, undefined, true);
    expect(await readFile(config, 'utf8')).toBe(first);
    const { secretArn } = await readConfig();
    expect(JSON.parse(printed.trim().split('\n').at(-1) ?? '')).toEqual({
      version: 1,
      done: 'kept',
      secretArn,
      config,
      changed: true,
    });
  });

  it('rotates: the new key is first, and the one before stays', async () => {
    await setup();
    const [first] = (await readConfig()).publicKeys;
    await setup({ rotate: true, yes: true });
    const { publicKeys } = await readConfig();
    expect(publicKeys).toHaveLength(2);
    expect(publicKeys[1]).toBe(first);
    expect(await publicHalves()).toEqual(publicKeys);
    await setup({ rotate: true }, 'y');
    const third = (await readConfig()).publicKeys;
    expect(third).toEqual([(await publicHalves())[0], publicKeys[0]]);
  });

  it('rotates nothing without a yes', async () => {
    await setup();
    const before = await readFile(config, 'utf8');
    await expect(setup({ rotate: true })).rejects.toMatchObject({ code: 'usage', message: /--yes/ });
    await expect(setup({ rotate: true }, 'n')).rejects.toMatchObject({ code: 'refused' });
    expect(await readFile(config, 'utf8')).toBe(before);
    expect((await publicHalves())[1]).toBeUndefined();
  });

  it('goes on after a rotation whose file was not written', async () => {
    await setup();
    const before = await readFile(config, 'utf8');
    await setup({ rotate: true, yes: true });
    await writeFile(config, before);
    await expect(setup({ rotate: true, yes: true })).rejects.toMatchObject({
      code: 'refused',
      message: /leave out --rotate/,
    });
    await setup();
    expect((await readConfig()).publicKeys).toEqual(await publicHalves());
  });

  it('rotates nothing that is not there', async () => {
    await expect(setup({ rotate: true, yes: true })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('touches neither a secret nor a file that is something else', async () => {
    await served.client.send(new CreateSecretCommand({ Name: 'other', SecretString: 'a password' }));
    await expect(setup({ secretName: 'other' })).rejects.toMatchObject({
      code: 'refused',
      message: /other holds no RSA key/,
    });
    for (const [text, why] of [
      ['{', /is not JSON/],
      ['{"version":2}', /does not fit: version/],
    ] as const) {
      await writeFile(config, text);
      await expect(setup()).rejects.toMatchObject({ code: 'usage', message: why });
      expect(await readFile(config, 'utf8')).toBe(text);
    }
    expect(await publicHalves()).toEqual([undefined, undefined]);
  });

  it('says in a line why AWS did not do it', async () => {
    await served[Symbol.asyncDispose]();
    await expect(setup()).rejects.toMatchObject({ code: 'unreachable' });
  });
});

it('works as a command, against whatever endpoint AWS’s own variables name', async () => {
  const { hostname, port, protocol } = await (served.client.config.endpoint?.() ??
    Promise.reject(new Error('no endpoint')));
  const env = {
    PATH: process.env.PATH,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: `${protocol}//${hostname}:${port}`,
    AWS_ACCESS_KEY_ID: 'TESTS',
    AWS_SECRET_ACCESS_KEY: 'tests-only',
    AWS_REGION: 'eu-west-1',
  };
  const bin = ['cli/bin.js', 'setup', 'keys', '--config', config, '--json'];
  const run = (more: Record<string, string> = {}) =>
    promisify(execFile)(process.execPath, bin, { env: { ...env, ...more } });
  expect(JSON.parse((await run()).stdout)).toMatchObject({ done: 'made', config });
  expect((await readConfig()).secretArn).toContain(':secret:kbroker/repository-key-');
  await expect(run({ AWS_SECRET_ACCESS_KEY: 'wrong' })).rejects.toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/^kbroker: AWS did not let us in: InvalidSignatureException.*\n$/),
  });
});
