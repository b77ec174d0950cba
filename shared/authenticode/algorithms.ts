import { AuthenticodeError } from './error.ts';
import type { DigestAlgorithm } from './state.ts';

/** Algorithms known by name only to say that they are too old. */
type OldAlgorithm = 'md2' | 'md5';

/** Digests (RFC 3279, RFC 5754), and the digests of certificates' signatures by RSA (PKCS #1 v1.5) and ECDSA. */
const digests: Readonly<Record<string, DigestAlgorithm | OldAlgorithm>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '1.2.840.113549.2.2': 'md2',
  '1.2.840.113549.2.5': 'md5',
  '1.2.840.113549.1.1.2': 'md2',
  '1.2.840.113549.1.1.4': 'md5',
  '1.2.840.113549.1.1.5': 'sha1',
  '1.3.14.3.2.29': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/**
 * The digest algorithm that an object identifier stands for.
 * @param what uses it, for the message
 * @throws AuthenticodeError `old-algorithm`; `untrusted` for one that nobody here can compute
 */
export function digestAlgorithm(oid: string, what: string, allowSha1: boolean): DigestAlgorithm {
  const found = digests[oid];
  if (found === undefined) {
    throw new AuthenticodeError('untrusted', `${what} uses the algorithm ${oid}, allowed are SHA-2 with RSA or ECDSA`);
  }
  if (found === 'md2' || found === 'md5' || (found === 'sha1' && !allowSha1)) {
    throw new AuthenticodeError(
      'old-algorithm',
      `${what} uses ${found.toUpperCase()}, allowed ${allowSha1 ? 'are SHA-1 and SHA-2' : 'is SHA-2'}`,
    );
  }
  return found;
}
