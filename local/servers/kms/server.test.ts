import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GetPublicKeyCommand,
  KMSClient,
  NotFoundException,
  SignCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { EmbeddedServer, ServiceCall } from '../../types.ts';
import { startKms } from './server.ts';

let dataDir: string;
let server: EmbeddedServer;
let client: KMSClient;
let calls: ServiceCall[] = [];
let denied: (call: ServiceCall) => boolean = () => false;

const options = () => ({
  dataDir,
  region: 'eu-west-1',
  accountId: '111122223333',
  secretOf: (id: string) => (id === 'KEY' ? 'SECRET' : undefined),
  authorize: (call: ServiceCall) => {
    calls.push(call);
    return denied(call)
      ? { allowed: false as const, message: `not authorized to perform: ${call.action}` }
      : { allowed: true as const };
  },
});
const clientFor = (url: string) =>
  new KMSClient({
    endpoint: url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'KEY', secretAccessKey: 'SECRET' },
    maxAttempts: 1,
  });
const newKey = async (): Promise<string> => {
  const made = await client.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }));
  return made.KeyMetadata?.Arn ?? '';
};
const publicKeyOf = async (KeyId: string) => {
  const { PublicKey } = await client.send(new GetPublicKeyCommand({ KeyId }));
  return createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
};
const algorithm = { SigningAlgorithm: 'ECDSA_SHA_256' } as const;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kbroker-kms-'));
  server = await startKms(options());
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

it('signs messages and digests alike, many times, under id, ARN and alias', async () => {
  const arn = await newKey();
  await client.send(new CreateAliasCommand({ AliasName: 'alias/online', TargetKeyId: arn }));
  const key = await publicKeyOf('alias/online');
  const Message = Buffer.from('metadata');
  for (const KeyId of [arn, arn.split('/')[1], 'alias/online', 'arn:aws:kms:eu-west-1:111122223333:alias/online']) {
    const raw = await client.send(new SignCommand({ KeyId, Message, ...algorithm }));
    expect(verify('sha256', Message, key, raw.Signature ?? Buffer.of())).toBe(true);
    expect(raw.KeyId).toBe(arn);
  }
  // Numbers that begin with zeros or a set bit are written another way: one in some hundred, so many are tried.
  for (let n = 0; n < 300; n += 1) {
    const bytes = Buffer.from(`metadata ${n}`);
    const digest = createHash('sha256').update(bytes).digest();
    const { Signature } = await client.send(
      new SignCommand({ KeyId: arn, Message: digest, MessageType: 'DIGEST', ...algorithm }),
    );
    expect(verify('sha256', bytes, key, Signature ?? Buffer.of())).toBe(true);
  }
});

it('refuses what KMS refuses, and names what it does not model', async () => {
  const KeyId = await newKey();
  const ask = (more: object) => client.send(new SignCommand({ KeyId, Message: Buffer.of(1), ...algorithm, ...more }));
  await expect(ask({ Message: Buffer.alloc(4097) })).rejects.toMatchObject({ name: 'ValidationException' });
  await expect(ask({ MessageType: 'DIGEST' })).rejects.toThrow(/Digest is invalid length/);
  await expect(ask({ SigningAlgorithm: 'ECDSA_SHA_512' })).rejects.toMatchObject({ name: 'InvalidKeyUsageException' });
  await expect(ask({ KeyId: 'alias/nobody' })).rejects.toBeInstanceOf(NotFoundException);
  const rsa = new CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
  await expect(client.send(rsa)).rejects.toThrow(/ECC_NIST_P256 for SIGN_VERIFY, got RSA_2048/);
  await expect(client.send(new EncryptCommand({ KeyId, Plaintext: Buffer.of(1) }))).rejects.toThrow(/Encrypt/);
});

it('asks for each action on the ARN of the key', async () => {
  const arn = await newKey();
  await client.send(new CreateAliasCommand({ AliasName: 'alias/asked', TargetKeyId: arn }));
  calls = [];
  denied = ({ action }) => action === 'kms:Sign';
  await client.send(new DescribeKeyCommand({ KeyId: 'alias/asked' }));
  const refused = client.send(new SignCommand({ KeyId: 'alias/asked', Message: Buffer.of(1), ...algorithm }));
  await expect(refused).rejects.toMatchObject({ name: 'AccessDeniedException' });
  expect(calls.map(({ action, resource }) => [action, resource])).toEqual([
    ['kms:DescribeKey', arn],
    ['kms:Sign', arn],
  ]);
});

it('has its keys after a restart, in a file of its owner', async () => {
  const arn = await newKey();
  const before = await publicKeyOf(arn);
  client.destroy();
  await server.close();
  expect((await stat(join(dataDir, 'keys.json'))).mode & 0o777).toBe(0o600);
  server = await startKms(options());
  client = clientFor(server.url);
  expect((await publicKeyOf(arn)).equals(before)).toBe(true);
});
