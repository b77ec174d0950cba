import { X509Certificate } from 'node:crypto';
import { AuthenticodeError } from './error.ts';

/** What a signature must rest on. */
export interface TrustPolicy {
  /** Certificates that chains may end at, DER; `parseRoots` reads PEM. */
  readonly roots: readonly Uint8Array[];
  /** Accept SHA-1 in signatures and certificates, as in what Microsoft signed before 2020. */
  readonly allowSha1: boolean;
}

const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Certificates of a PEM text, in DER. Text around the blocks is passed over, as other readers of PEM do.
 * @throws AuthenticodeError `bad-roots` when there is none, or one that cannot be read
 */
export function parseRoots(pem: string): readonly Uint8Array[] {
  const blocks = pem.match(block) ?? [];
  if (blocks.length === 0) {
    throw new AuthenticodeError(
      'bad-roots',
      `trusted roots: got ${pem.length} characters without a certificate, allowed are PEM blocks "BEGIN CERTIFICATE"`,
    );
  }
  return blocks.map((text, index) => {
    try {
      return new Uint8Array(new X509Certificate(text).raw);
    } catch (cause) {
      throw new AuthenticodeError('bad-roots', `trusted roots: certificate ${index + 1} cannot be read`, { cause });
    }
  });
}
