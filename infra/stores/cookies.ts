import { createHash, createPublicKey } from 'node:crypto';
import { KeyGroup, PublicKey } from 'aws-cdk-lib/aws-cloudfront';
import { Construct } from 'constructs';
import { maxRepositoryKeys } from '#shared/contract/deployment.ts';
import { cookiesBinding } from '#shared/stores/cookies/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';

/** The key whose cookies open the repository. CloudFormation cannot make one: `kbroker setup keys` does. */
export interface RepositoryKey {
  /** Public halves, PEM, the newest first: it signs. The one before is trusted until its cookies have ended. */
  readonly publicKeysPem: readonly string[];
  /** Secret whose text is the private half. It is not part of the stack. */
  readonly secretArn: string;
}

/** What CloudFront trusts cookies by, and who may sign them. */
export class Cookies extends Construct {
  readonly keyGroup: KeyGroup;
  /** Id of the key that signs. */
  readonly keyPairId: string;
  private readonly publicKeySha256: string;
  private readonly secretArn: string;

  /** @throws Error for other keys than RSA keys of 2048 bits, which is what CloudFront takes */
  constructor(scope: Construct, id: string, { publicKeysPem, secretArn }: RepositoryKey) {
    super(scope, id);
    if (publicKeysPem.length < 1 || publicKeysPem.length > maxRepositoryKeys)
      throw new Error(`repositoryKey has ${publicKeysPem.length} public keys; allowed are 1 to ${maxRepositoryKeys}`);
    // CloudFront's public keys cannot be changed: another key is another resource, so its digest is part of its id.
    const keys = publicKeysPem.map((encodedKey) => {
      const sha256 = sha256OfKey(encodedKey);
      return { sha256, publicKey: new PublicKey(this, `Key${sha256.slice(0, 12)}`, { encodedKey }) };
    });
    const [newest] = keys;
    if (newest === undefined) throw new Error('repositoryKey has no public key');
    this.keyGroup = new KeyGroup(this, 'KeyGroup', {
      comment: 'Keys whose cookies open the repository',
      items: keys.map(({ publicKey }) => publicKey),
    });
    this.keyPairId = newest.publicKey.publicKeyId;
    this.publicKeySha256 = newest.sha256;
    this.secretArn = secretArn;
  }

  /** To sign cookies for the repository at this address (with https:// and without a slash at the end). */
  grantIssue(fn: BrokerFunction, repositoryUrl: string): void {
    fn.allow(['secretsmanager:GetSecretValue'], [this.secretArn]);
    fn.bind({
      [cookiesBinding.env.url]: repositoryUrl,
      [cookiesBinding.env.keyPairId]: this.keyPairId,
      [cookiesBinding.env.publicKeySha256]: this.publicKeySha256,
      [cookiesBinding.env.secret]: this.secretArn,
    });
  }
}

/** SHA-256 (hex) of the key's DER. */
function sha256OfKey(pem: string): string {
  const key = createPublicKey(pem);
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (key.asymmetricKeyType !== 'rsa' || bits !== 2048)
    throw new Error(
      `repositoryKey: got a key of type ${key.asymmetricKeyType}, ${bits} bits; allowed is RSA of 2048 bits`,
    );
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}
