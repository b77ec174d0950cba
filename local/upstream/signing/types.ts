import type { KeyObject } from 'node:crypto';

export type DigestName = 'sha1' | 'sha256';

export const digestIds: Readonly<Record<DigestName, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
};

/** A certificate and, as long as it is known, its private key. */
export interface Holder {
  /** DER. */
  readonly certificate: Buffer;
  readonly privateKey: KeyObject;
}
