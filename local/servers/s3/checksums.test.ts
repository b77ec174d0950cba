import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CHECKSUM_ALGORITHMS, canCombine, combineCrcs, createHasher } from './checksums.ts';

const digest = (algorithm: (typeof CHECKSUM_ALGORITHMS)[number], ...chunks: Uint8Array[]) => {
  const hasher = createHasher(algorithm);
  for (const chunk of chunks) hasher.update(chunk);
  return hasher.digest();
};

describe('checksums', () => {
  // Check values of the catalogue of parametrised CRC algorithms, and SHA digests of the same nine bytes.
  it.each([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ] as const)('%s of 123456789', (algorithm, hex) => {
    expect(digest(algorithm, Buffer.from('1234'), Buffer.from('56789')).toString('hex')).toBe(hex);
  });

  it.each(CHECKSUM_ALGORITHMS.filter(canCombine))('%s of the whole from its parts', (algorithm) => {
    const parts = [1, 0, 70_001, 3].map((size) => randomBytes(size));
    const combined = combineCrcs(
      algorithm,
      parts.map((part) => ({ digest: digest(algorithm, part), size: part.length })),
    );
    expect(combined.toString('hex')).toBe(digest(algorithm, Buffer.concat(parts)).toString('hex'));
  });
});
