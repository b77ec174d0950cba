import { KMSClient } from '@aws-sdk/client-kms';
import { openKeyFile } from './key-file.ts';
import { kmsSigner } from './kms.ts';
import type { Signer } from './port.ts';

/** What a key in KMS is named by, before its id, ARN or alias. */
const kmsPrefix = 'kms:';

/**
 * Opens a key by what people call it: `kms:ARN`, `kms:alias/NAME`, or a path.
 *
 * @throws SigningError `not-found`, `bad-key`
 */
export const openSigner = (reference: string): Promise<Signer> =>
  reference.startsWith(kmsPrefix)
    ? Promise.resolve(kmsSigner(new KMSClient(), reference.slice(kmsPrefix.length)))
    : openKeyFile(reference);

/** Whether a key of this name lies in a file. */
export const isKeyFile = (reference: string): boolean => !reference.startsWith(kmsPrefix);
