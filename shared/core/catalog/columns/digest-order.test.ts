import fc from 'fast-check';
import { expect, it } from 'vitest';
import { orderOf } from './digest-order.ts';

it('is that of their bytes, also where digests begin alike', () => {
  // Few different bytes, so that many have their first 32 bits in common.
  const digest = fc.array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), { minLength: 20, maxLength: 20 });
  const alike = fc.tuple(fc.constantFrom(0, 0xff), digest).map(([first, rest]) => [first, 0, 0, 7, ...rest.slice(4)]);
  fc.assert(
    fc.property(fc.array(fc.oneof(digest, alike), { maxLength: 30 }), (digests) => {
      const order = orderOf(Uint8Array.from(digests.flat()), digests.length);
      const sorted = [...order].map((number) => Buffer.from(digests[number] ?? []).toString('hex'));
      expect(sorted).toEqual(digests.map((bytes) => Buffer.from(bytes).toString('hex')).sort());
      expect(new Set(order).size).toBe(digests.length);
    }),
  );
});
