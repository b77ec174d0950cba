import { createHash, createPublicKey } from 'node:crypto';
import { ResourceNotFoundException, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { getSignedCookies } from '@aws-sdk/cloudfront-signer';
import type { RepositoryCookies } from '../../contract/agent/check-in.ts';
import { secretReader } from '../secrets/aws.ts';
import { StoreError } from '../store-error.ts';
import type { CookieIssuer } from './port.ts';

export interface CookieIssuerOptions {
  readonly client: SecretsManagerClient;
  /** Secret whose text is the private key, PEM. */
  readonly secretArn: string;
  /** With its scheme and without a slash at the end. */
  readonly repositoryUrl: string;
  readonly keyPairId: string;
  /** SHA-256 (hex) of the DER of the public key that CloudFront knows under that id. */
  readonly publicKeySha256: string;
  /** @default 8 hours */
  readonly lifeMilliseconds?: number;
  /** The same cookies are handed out for so long. @default 10 minutes */
  readonly reissueMilliseconds?: number;
}

const hour = 3_600_000;

/**
 * Signs CloudFront's cookies with the private half of the repository's key. A rotation is never between two chairs: the
 * secret has the new key before CloudFront knows it, so the version of the secret is taken whose public half is the one
 * that this deployment was made with.
 *
 * `issue` throws StoreError `corrupt` when no version of the secret belongs to that public key.
 */
export function awsCookieIssuer(options: CookieIssuerOptions): CookieIssuer {
  const { lifeMilliseconds = 8 * hour, reissueMilliseconds = hour / 6 } = options;
  let key: Promise<string> | undefined;
  let last: { readonly at: number; readonly cookies: RepositoryCookies } | undefined;

  /** A failure is not kept: the next call tries again. */
  const privateKey = (): Promise<string> => {
    key ??= readPrivateKey(options).catch((error: unknown) => {
      key = undefined;
      throw error;
    });
    return key;
  };

  return {
    async issue(now) {
      const at = now.getTime();
      if (last !== undefined && at >= last.at && at - last.at < reissueMilliseconds) return last.cookies;
      const cookies = sign(options, await privateKey(), Math.floor((at + lifeMilliseconds) / 1000));
      last = { at, cookies };
      return cookies;
    },
  };
}

/** @param until seconds since 1970 */
function sign({ repositoryUrl, keyPairId }: CookieIssuerOptions, privateKey: string, until: number): RepositoryCookies {
  const policy = JSON.stringify({
    Statement: [{ Resource: `${repositoryUrl}/*`, Condition: { DateLessThan: { 'AWS:EpochTime': until } } }],
  });
  const signed = getSignedCookies({ keyPairId, privateKey, policy, algorithm: 'SHA256' });
  const values = Object.fromEntries(Object.entries(signed).map(([name, value]) => [name, String(value)]));
  return { values, expiresAt: new Date(until * 1000).toISOString() };
}

/** The current version of the secret in all but one case: the stack was not deployed yet since `kbroker setup keys --rotate`. */
async function readPrivateKey({ client, secretArn, publicKeySha256 }: CookieIssuerOptions): Promise<string> {
  for (const stage of ['AWSCURRENT', 'AWSPREVIOUS'] as const) {
    const pem = await secretReader(client, secretArn, stage)().catch((error: unknown) => {
      if (stage === 'AWSPREVIOUS' && error instanceof ResourceNotFoundException) return undefined;
      throw error;
    });
    if (pem !== undefined && publicHalfSha256(secretArn, pem) === publicKeySha256) return pem;
  }
  throw new StoreError(
    'corrupt',
    `neither the current nor the previous version of ${secretArn} is the private half of the key that the stack was deployed with: deploy it again with the kbroker.config.json that the last "kbroker setup keys" wrote`,
  );
}

function publicHalfSha256(secretArn: string, pem: string): string {
  try {
    const der = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    return createHash('sha256').update(der).digest('hex');
  } catch (cause) {
    throw new StoreError('corrupt', `the secret ${secretArn} holds no private key in PEM`, { cause });
  }
}
