import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { StoreError } from '../store-error.ts';

/**
 * Reads one secret text each time it is called; whoever calls it often keeps the answer for a while.
 *
 * @param stage which version; by default the current one
 */
export function secretReader(
  client: SecretsManagerClient,
  secretId: string,
  stage?: 'AWSCURRENT' | 'AWSPREVIOUS',
): () => Promise<string> {
  return async () => {
    const input = { SecretId: secretId, ...(stage !== undefined && { VersionStage: stage }) };
    const { SecretString } = await client.send(new GetSecretValueCommand(input));
    if (SecretString === undefined) throw new StoreError('corrupt', `the secret ${secretId} has no text`);
    return SecretString;
  };
}
