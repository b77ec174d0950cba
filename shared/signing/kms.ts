import { createHash, createPublicKey } from 'node:crypto';
import {
  DisabledException,
  GetPublicKeyCommand,
  type KMSClient,
  KMSInvalidStateException,
  NotFoundException,
  SignCommand,
} from '@aws-sdk/client-kms';
import type { Signer } from './port.ts';
import { SigningError } from './signing-error.ts';

/**
 * A key in AWS KMS of the kind `ECC_NIST_P256`, for `SIGN_VERIFY`. The digest is made here: KMS itself takes no message of
 * more than 4,096 bytes (https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html), and metadata may be longer.
 *
 * @param keyId key id, ARN or alias
 */
export function kmsSigner(client: KMSClient, keyId: string): Signer {
  const asking = async <T>(what: string, ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      throw asSigningError(error, `${what} with the key ${keyId} of KMS`);
    }
  };
  let known: Promise<string> | undefined;
  const fetchPublicKey = async (): Promise<string> => {
    const { PublicKey, KeySpec, KeyUsage } = await asking('cannot go on', () =>
      client.send(new GetPublicKeyCommand({ KeyId: keyId })),
    );
    if (PublicKey === undefined || KeySpec !== 'ECC_NIST_P256' || KeyUsage !== 'SIGN_VERIFY')
      throw new SigningError(
        'bad-key',
        `the key ${keyId} of KMS is ${KeySpec} for ${KeyUsage}, allowed is ECC_NIST_P256 for SIGN_VERIFY`,
      );
    const key = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
    return key.export({ type: 'spki', format: 'pem' }).toString().trim();
  };
  return {
    // A key never changes under its id; a failure is not kept.
    publicKey: () => {
      known ??= fetchPublicKey().catch((error: unknown) => {
        known = undefined;
        throw error;
      });
      return known;
    },
    async sign(bytes) {
      const { Signature } = await asking('cannot sign', () =>
        client.send(
          new SignCommand({
            KeyId: keyId,
            Message: createHash('sha256').update(bytes).digest(),
            MessageType: 'DIGEST',
            SigningAlgorithm: 'ECDSA_SHA_256',
          }),
        ),
      );
      if (Signature === undefined) throw new SigningError('unavailable', `KMS gave no signature of ${keyId}`);
      return Signature;
    },
  };
}

/** Names as KMS lists them under "Common Errors"; what is not known here may pass. */
const refusals: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'CredentialsProviderError',
  'ExpiredTokenException',
]);

function asSigningError(cause: unknown, what: string): SigningError {
  const message = `${what}: ${cause instanceof Error ? cause.message : String(cause)}`;
  if (cause instanceof NotFoundException) return new SigningError('not-found', message, { cause });
  if (cause instanceof DisabledException || cause instanceof KMSInvalidStateException)
    return new SigningError('refused', message, { cause });
  if (cause instanceof Error && refusals.has(cause.name)) return new SigningError('refused', message, { cause });
  const { name } = cause instanceof Error ? cause : { name: '' };
  const ofTheKey = name === 'InvalidKeyUsageException' || name === 'ValidationException';
  return new SigningError(ofTheKey ? 'bad-key' : 'unavailable', message, { cause });
}
