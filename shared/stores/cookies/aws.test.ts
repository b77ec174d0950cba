import { createHash, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSecrets } from '#test/kit/aws-servers.ts';
import { awsCookieIssuer, type CookieIssuerOptions } from './aws.ts';
import { cookieIssuerContract } from './contract-suite.ts';

const keyPair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const sha256Of = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

let secrets: Awaited<ReturnType<typeof startSecrets>>;
const keys = [keyPair(), keyPair(), keyPair()] as const;
let made = 0;
beforeAll(async () => {
  secrets = await startSecrets();
});
afterAll(() => secrets[Symbol.asyncDispose]());

/** A secret whose versions were these texts, one after the other. */
async function secretOf(...texts: readonly string[]): Promise<string> {
  made += 1;
  const Name = `key-${made}`;
  const { ARN = '' } = await secrets.client.send(new CreateSecretCommand({ Name, SecretString: texts[0] }));
  for (const SecretString of texts.slice(1))
    await secrets.client.send(new PutSecretValueCommand({ SecretId: ARN, SecretString }));
  return ARN;
}

const issuerOf = (secretArn: string, publicKey: KeyObject, more: Partial<CookieIssuerOptions> = {}) =>
  awsCookieIssuer({
    client: secrets.client,
    secretArn,
    repositoryUrl: 'https://d1.cloudfront.net',
    keyPairId: 'K1',
    publicKeySha256: sha256Of(publicKey),
    ...more,
  });
const now = new Date('2026-07-14T12:00:00.700Z');

const decode = (text = ''): Buffer =>
  Buffer.from(text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64');
const isSignedBy = (values: Readonly<Record<string, string>>, publicKey: KeyObject): boolean =>
  verify('sha256', decode(values['CloudFront-Policy']), publicKey, decode(values['CloudFront-Signature']));

cookieIssuerContract('CloudFront', async () => issuerOf(await secretOf(pemOf(keys[0].privateKey)), keys[0].publicKey));

it('the policy opens the repository and nothing else, to the second that is told', async () => {
  const issuer = issuerOf(await secretOf(pemOf(keys[0].privateKey)), keys[0].publicKey);
  const { values, expiresAt } = await issuer.issue(now);
  expect(expiresAt).toBe('2026-07-14T20:00:00.000Z');
  expect(JSON.parse(decode(values['CloudFront-Policy']).toString())).toEqual({
    Statement: [
      {
        Resource: 'https://d1.cloudfront.net/*',
        Condition: { DateLessThan: { 'AWS:EpochTime': Date.parse(expiresAt) / 1000 } },
      },
    ],
  });
  expect(values).toMatchObject({ 'CloudFront-Key-Pair-Id': 'K1', 'CloudFront-Hash-Algorithm': 'SHA256' });
  expect(isSignedBy(values, keys[0].publicKey)).toBe(true);
});

describe('after a rotation', () => {
  it('a stack that was not deployed again signs with the key that CloudFront knows', async () => {
    const secretArn = await secretOf(pemOf(keys[0].privateKey), pemOf(keys[1].privateKey));
    const { values } = await issuerOf(secretArn, keys[0].publicKey).issue(now);
    expect(isSignedBy(values, keys[0].publicKey)).toBe(true);
  });

  it('a stack that was deployed again signs with the new one', async () => {
    const secretArn = await secretOf(pemOf(keys[0].privateKey), pemOf(keys[1].privateKey));
    const { values } = await issuerOf(secretArn, keys[1].publicKey).issue(now);
    expect(isSignedBy(values, keys[1].publicKey)).toBe(true);
  });

  it('a stack that is two keys behind says what to do', async () => {
    const secretArn = await secretOf(...keys.map(({ privateKey }) => pemOf(privateKey)));
    const issuer = issuerOf(secretArn, keys[0].publicKey);
    await expect(issuer.issue(now)).rejects.toMatchObject({ code: 'corrupt', message: /deploy it again/ });
  });
});

it('a secret without a key is named, and looked at again at the next try', async () => {
  const secretArn = await secretOf('not a key');
  const issuer = issuerOf(secretArn, keys[0].publicKey);
  await expect(issuer.issue(now)).rejects.toMatchObject({
    code: 'corrupt',
    message: expect.stringContaining(secretArn),
  });
  const SecretString = pemOf(keys[0].privateKey);
  await secrets.client.send(new PutSecretValueCommand({ SecretId: secretArn, SecretString }));
  expect((await issuer.issue(now)).values['CloudFront-Key-Pair-Id']).toBe('K1');
});

it('a secret that is not there is the failure of Secrets Manager', async () => {
  const missing = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:none-abcdef';
  await expect(issuerOf(missing, keys[0].publicKey).issue(now)).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});
