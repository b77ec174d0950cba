import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServedKeys, startKeys } from '#test/kit/aws-servers.ts';
import { signerContract } from './contract-suite.ts';
import { kmsSigner } from './kms.ts';

let keys: ServedKeys;
beforeAll(async () => {
  keys = await startKeys();
});
afterAll(() => keys[Symbol.asyncDispose]());

signerContract('a key in KMS', async () => kmsSigner(keys.client, await keys.newKey()));

describe('a key in KMS', () => {
  it('that is not there is named', async () => {
    const signer = kmsSigner(keys.client, 'alias/nothing');
    await expect(signer.publicKey()).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('alias/nothing'),
    });
    await expect(signer.sign(Buffer.of(1))).rejects.toMatchObject({ code: 'not-found' });
  });

  it('that cannot be reached may work a moment later, and is asked again', async () => {
    await using own = await startKeys();
    const arn = await own.newKey();
    const nowhere = new KMSClient({
      endpoint: 'http://127.0.0.1:9',
      region: 'eu-west-1',
      credentials: { accessKeyId: 'TESTS', secretAccessKey: 'tests-only' },
      maxAttempts: 1,
    });
    await expect(kmsSigner(nowhere, arn).sign(Buffer.of(1))).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
    nowhere.destroy();
  });

  it('of somebody who may not use it is refused', async () => {
    const { endpoint } = keys.client.config;
    const { hostname, port } = (await endpoint?.()) ?? { hostname: '', port: 0 };
    const stranger = new KMSClient({
      endpoint: `http://${hostname}:${port}`,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'NOBODY', secretAccessKey: 'x' },
      maxAttempts: 1,
    });
    await expect(kmsSigner(stranger, await keys.newKey()).sign(Buffer.of(1))).rejects.toMatchObject({
      code: 'refused',
      retryable: false,
    });
    stranger.destroy();
  });
});
