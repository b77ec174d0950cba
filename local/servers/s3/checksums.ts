/**
 * The checksums that S3 keeps beside an object.
 *
 * Source: "Checking object integrity in Amazon S3" in the S3 User Guide; polynomials and check values of the CRCs from
 * the catalogue of parametrised CRC algorithms (CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME), all reflected.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';
export const CHECKSUM_ALGORITHMS: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];

/** How the checksum of a multipart object is made: over its bytes, or over the checksums of its parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; a composite one ends in `-` and the number of parts. */
  readonly value: string;
  readonly type: ChecksumType;
}

export interface Hasher {
  update(chunk: Uint8Array): void;
  digest(): Buffer;
}

/** `x-amz-checksum-crc32` and its siblings. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** `ChecksumCRC32` and its siblings. */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`;
}

export function parseAlgorithm(text: string): ChecksumAlgorithm | undefined {
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === text.toUpperCase());
}

export function createHasher(algorithm: ChecksumAlgorithm): Hasher {
  switch (algorithm) {
    case 'CRC32':
      return crc32Hasher();
    case 'CRC32C':
      return crc32cHasher();
    case 'CRC64NVME':
      return crc64Hasher();
    case 'SHA1':
    case 'SHA256': {
      const hash = createHash(algorithm.toLowerCase());
      return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest() };
    }
  }
}

const CRC32_POLYNOMIAL = 0xedb88320n;
const CRC32C_POLYNOMIAL = 0x82f63b78n;
const CRC64NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;

function crc32Hasher(): Hasher {
  let crc = 0;
  return {
    update: (chunk) => {
      crc = crc32(chunk, crc);
    },
    digest: () => uint32(crc),
  };
}

const CRC32C_TABLE = /* @__PURE__ */ crcTable(CRC32C_POLYNOMIAL);

function crc32cHasher(): Hasher {
  let crc = 0xffffffff;
  return {
    update: (chunk) => {
      let value = crc;
      for (let i = 0; i < chunk.length; i++) {
        value = (CRC32C_TABLE.low[(value ^ (chunk[i] as number)) & 0xff] as number) ^ (value >>> 8);
      }
      crc = value >>> 0;
    },
    digest: () => uint32((crc ^ 0xffffffff) >>> 0),
  };
}

const CRC64_TABLE = /* @__PURE__ */ crcTable(CRC64NVME_POLYNOMIAL);

/** A 64-bit register as two halves: numbers are many times faster than bigint here. */
function crc64Hasher(): Hasher {
  let high = 0xffffffff;
  let low = 0xffffffff;
  return {
    update: (chunk) => {
      let h = high;
      let l = low;
      for (let i = 0; i < chunk.length; i++) {
        const index = (l ^ (chunk[i] as number)) & 0xff;
        l = ((l >>> 8) | (h << 24)) ^ (CRC64_TABLE.low[index] as number);
        h = (h >>> 8) ^ (CRC64_TABLE.high[index] as number);
      }
      high = h;
      low = l;
    },
    digest: () => Buffer.concat([uint32(~high >>> 0), uint32(~low >>> 0)]),
  };
}

function crcTable(polynomial: bigint): { readonly low: Int32Array; readonly high: Int32Array } {
  const low = new Int32Array(256);
  const high = new Int32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    low[index] = Number(BigInt.asIntN(32, value));
    high[index] = Number(BigInt.asIntN(32, value >> 32n));
  }
  return { low, high };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Only CRCs can be combined, so only they can be checksums over the bytes of a multipart object. */
export function canCombine(algorithm: ChecksumAlgorithm): boolean {
  return algorithm.startsWith('CRC');
}

/** CRC of the parts' bytes one after the other, from the CRCs of the parts and their lengths in bytes. */
export function combineCrcs(
  algorithm: ChecksumAlgorithm,
  parts: readonly { readonly digest: Buffer; readonly size: number }[],
): Buffer {
  const polynomial =
    algorithm === 'CRC32' ? CRC32_POLYNOMIAL : algorithm === 'CRC32C' ? CRC32C_POLYNOMIAL : CRC64NVME_POLYNOMIAL;
  const width = algorithm === 'CRC64NVME' ? 64 : 32;
  let combined = 0n;
  for (const part of parts) {
    combined = shiftByBytes(combined, part.size, polynomial, width) ^ BigInt(`0x${part.digest.toString('hex')}`);
  }
  return Buffer.from(combined.toString(16).padStart(width / 4, '0'), 'hex');
}

/**
 * What a CRC becomes when so many zero bytes follow: a multiplication by x^(8·bytes) modulo the polynomial, done by
 * squaring. Bits are reflected: x^0 is the highest bit.
 */
function shiftByBytes(crc: bigint, bytes: number, polynomial: bigint, width: number): bigint {
  const one = 1n << BigInt(width - 1);
  let result = crc;
  let power = one >> 8n;
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(result, power, polynomial, one);
    power = multiply(power, power, polynomial, one);
  }
  return result;
}

function multiply(a: bigint, b: bigint, polynomial: bigint, one: bigint): bigint {
  let product = 0n;
  let factor = b;
  for (let bit = one; bit !== 0n; bit >>= 1n) {
    if (a & bit) product ^= factor;
    factor = factor & 1n ? (factor >> 1n) ^ polynomial : factor >> 1n;
  }
  return product;
}
