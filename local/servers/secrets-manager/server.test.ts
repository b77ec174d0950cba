import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedServer, ServiceCall } from '../../types.ts';
import { startSecretsManager } from './server.ts';

const region = 'eu-west-1';
let dataDir: string;
let server: EmbeddedServer;
let client: SecretsManagerClient;
let calls: ServiceCall[] = [];
let denied: (call: ServiceCall) => boolean = () => false;

const options = () => ({
  dataDir,
  region,
  accountId: '111122223333',
  secretOf: (id: string) => (id === 'KEY' ? 'SECRET' : undefined),
  authorize: (call: ServiceCall) => {
    calls.push(call);
    return denied(call)
      ? { allowed: false as const, message: `not authorized to perform: ${call.action}` }
      : { allowed: true as const };
  },
});
const clientFor = (url: string, secretAccessKey = 'SECRET') =>
  new SecretsManagerClient({
    endpoint: url,
    region,
    credentials: { accessKeyId: 'KEY', secretAccessKey },
    maxAttempts: 1,
  });

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kbroker-secrets-'));
  server = await startSecretsManager(options());
  client = clientFor(server.url);
});
beforeEach(() => {
  calls = [];
  denied = () => false;
});
afterAll(async () => {
  client.destroy();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

const secretText = async (SecretId: string, more: object = {}) =>
  (await client.send(new GetSecretValueCommand({ SecretId, ...more }))).SecretString;

describe('the embedded Secrets Manager', () => {
  it('creates, gets, puts and describes, by name and by ARN', async () => {
    const made = await client.send(
      new CreateSecretCommand({ Name: 'agents/bearer', SecretString: 'one', Description: 'd' }),
    );
    expect(made.ARN).toMatch(/^arn:aws:secretsmanager:eu-west-1:111122223333:secret:agents\/bearer-[A-Za-z0-9]{6}$/);
    expect(await secretText('agents/bearer')).toBe('one');
    const put = await client.send(new PutSecretValueCommand({ SecretId: made.ARN, SecretString: 'two' }));
    expect(put.VersionStages).toEqual(['AWSCURRENT']);
    expect(await secretText(made.ARN ?? '')).toBe('two');
    expect(await secretText('agents/bearer', { VersionStage: 'AWSPREVIOUS' })).toBe('one');
    expect(await secretText('agents/bearer', { VersionId: made.VersionId })).toBe('one');
    await client.send(new PutSecretValueCommand({ SecretId: made.ARN, SecretString: 'three' }));
    expect(await secretText('agents/bearer', { VersionStage: 'AWSPREVIOUS' })).toBe('two');
    const described = await client.send(new DescribeSecretCommand({ SecretId: 'agents/bearer' }));
    expect(described).toMatchObject({ ARN: made.ARN, Description: 'd' });
    expect(
      Object.values(described.VersionIdsToStages ?? {})
        .flat()
        .sort(),
    ).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
    expect(described.CreatedDate?.getFullYear()).toBe(new Date().getFullYear());
  });

  it('keeps bytes as well', async () => {
    const SecretBinary = Uint8Array.of(0, 255, 7);
    await client.send(new CreateSecretCommand({ Name: 'binary', SecretBinary }));
    const got = await client.send(new GetSecretValueCommand({ SecretId: 'binary' }));
    expect(got.SecretBinary).toEqual(SecretBinary);
  });

  it('answers a repeated request with the same version, and refuses another one of that name', async () => {
    const request = { Name: 'once', SecretString: 'x', ClientRequestToken: 'a'.repeat(32) };
    const first = await client.send(new CreateSecretCommand(request));
    expect(await client.send(new CreateSecretCommand(request))).toMatchObject({
      ARN: first.ARN,
      VersionId: first.VersionId,
    });
    const other = client.send(new CreateSecretCommand({ Name: 'once', SecretString: 'y' }));
    await expect(other).rejects.toBeInstanceOf(ResourceExistsException);
  });

  it('knows what is missing and what it does not model', async () => {
    await expect(secretText('nowhere')).rejects.toBeInstanceOf(ResourceNotFoundException);
    await client.send(new CreateSecretCommand({ Name: 'empty' }));
    await expect(secretText('empty')).rejects.toBeInstanceOf(ResourceNotFoundException);
    const rotation = client.send(new RotateSecretCommand({ SecretId: 'empty' }));
    await expect(rotation).rejects.toMatchObject({ name: 'UnknownOperationException' });
  });

  it('has those that were made before it started, and takes another text as a new version', async () => {
    const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:made/before-a1B2c3';
    const folder = await mkdtemp(join(tmpdir(), 'kbroker-secrets-'));
    const textWith = async (text: string, stage?: string): Promise<string | undefined> => {
      await using other = new AsyncDisposableStack();
      const started = await startSecretsManager({ ...options(), dataDir: folder, secrets: { [arn]: text } });
      other.defer(() => started.close());
      const reader = clientFor(started.url);
      other.defer(() => reader.destroy());
      const answer = await reader.send(
        new GetSecretValueCommand({ SecretId: 'made/before', ...(stage !== undefined && { VersionStage: stage }) }),
      );
      expect(answer.ARN).toBe(arn);
      return answer.SecretString;
    };
    expect(await textWith('one')).toBe('one');
    await expect(textWith('one', 'AWSPREVIOUS')).rejects.toBeInstanceOf(ResourceNotFoundException);
    expect(await textWith('two')).toBe('two');
    expect(await textWith('two', 'AWSPREVIOUS')).toBe('one');
    await rm(folder, { recursive: true, force: true });
  });

  it('deletes at once when told so', async () => {
    await client.send(new CreateSecretCommand({ Name: 'gone', SecretString: 'x' }));
    await expect(client.send(new DeleteSecretCommand({ SecretId: 'gone' }))).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
    await client.send(new DeleteSecretCommand({ SecretId: 'gone', ForceDeleteWithoutRecovery: true }));
    await expect(secretText('gone')).rejects.toBeInstanceOf(ResourceNotFoundException);
  });

  it('asks for the action on the ARN, whichever way the secret is named, and refuses', async () => {
    const { ARN } = await client.send(new CreateSecretCommand({ Name: 'guarded', SecretString: 'x' }));
    await secretText('guarded');
    await secretText(ARN ?? '');
    expect(calls).toEqual([
      {
        accessKeyId: 'KEY',
        action: 'secretsmanager:CreateSecret',
        resource: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:guarded-??????',
      },
      { accessKeyId: 'KEY', action: 'secretsmanager:GetSecretValue', resource: ARN },
      { accessKeyId: 'KEY', action: 'secretsmanager:GetSecretValue', resource: ARN },
    ]);
    denied = (call) => call.action === 'secretsmanager:GetSecretValue';
    await expect(secretText('guarded')).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('secretsmanager:GetSecretValue'),
    });
    const stranger = clientFor(server.url, 'OTHER');
    const refused = stranger.send(new GetSecretValueCommand({ SecretId: 'guarded' }));
    await expect(refused).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    stranger.destroy();
  });

  it('keeps secrets over a restart in a file that only its owner reads, in a folder of its own', async () => {
    await client.send(new CreateSecretCommand({ Name: 'stays', SecretString: 'still' }));
    expect((await stat(join(dataDir, 'secrets.json'))).mode & 0o777).toBe(0o600);
    await expect(startSecretsManager(options())).rejects.toMatchObject({ code: 'data-in-use' });
    await server.close();
    client.destroy();
    server = await startSecretsManager(options());
    client = clientFor(server.url);
    expect(await secretText('stays')).toBe('still');
  });
});
