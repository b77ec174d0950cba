/**
 * ECDSA on P-256 over a digest that somebody else made, which Node's own crypto cannot sign: it digests once more. For the
 * embedded KMS only: BigInts take time that tells of the key, and keys of real users lie in AWS.
 *
 * Source: FIPS 186-5, section 6.4.1; SEC 1, section C.8 (the signature as DER).
 */
import { createECDH, createPrivateKey, randomBytes } from 'node:crypto';

/** Order of the base point (NIST SP 800-186, section 3.2.1.3). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** @param pem private key on P-256 */
export function derOfDigest(digest: Uint8Array, pem: string): Buffer {
  const { d = '' } = createPrivateKey(pem).export({ format: 'jwk' });
  const secret = toNumber(Buffer.from(d, 'base64url'));
  const z = toNumber(digest);
  for (;;) {
    const k = toNumber(randomBytes(32)) % order;
    if (k === 0n) continue;
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(toBytes(k));
    const r = toNumber(ecdh.getPublicKey().subarray(1, 33)) % order;
    const s = (inverse(k) * (z + r * secret)) % order;
    if (r !== 0n && s !== 0n) return sequence(integer(r), integer(s));
  }
}

const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
const toBytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

/** By Fermat: the order is a prime. */
function inverse(value: bigint): bigint {
  let result = 1n;
  for (let base = value, exponent = order - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % order;
    base = (base * base) % order;
  }
  return result;
}

function integer(value: bigint): Buffer {
  const bytes = toBytes(value);
  const short = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  // A set highest bit would make it negative.
  const content = (short[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), short]) : short;
  return Buffer.concat([Buffer.of(0x02, content.length), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
}
