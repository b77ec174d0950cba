import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { startSecrets } from '#test/kit/aws-servers.ts';
import { secretReader } from './aws.ts';

it('a secret is read as it is now', async () => {
  await using secrets = await startSecrets();
  const { ARN } = await secrets.client.send(new CreateSecretCommand({ Name: 'agents', SecretString: 'first' }));
  const read = secretReader(secrets.client, ARN ?? '');
  expect(await read()).toBe('first');
  await secrets.client.send(new PutSecretValueCommand({ SecretId: 'agents', SecretString: 'second' }));
  expect(await read()).toBe('second');
  await expect(secretReader(secrets.client, 'other')()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

it('a secret without a text is none', async () => {
  await using secrets = await startSecrets();
  await secrets.client.send(new CreateSecretCommand({ Name: 'bytes', SecretBinary: Buffer.from('x') }));
  await expect(secretReader(secrets.client, 'bytes')()).rejects.toMatchObject({ name: 'StoreError', code: 'corrupt' });
});
