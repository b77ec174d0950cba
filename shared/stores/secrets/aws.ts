import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { StoreError } from '../store-error.ts';

/** Reads one secret text each time it is called; whoever calls it often keeps the answer for a while. */
export function secretReader(client: SecretsManagerClient, secretId: string): () => Promise<string> {
  return async () => {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (SecretString === undefined) throw new StoreError('corrupt', `the secret ${secretId} has no text`);
    return SecretString;
  };
}
