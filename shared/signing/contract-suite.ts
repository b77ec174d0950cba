import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Signer } from './port.ts';

/** What every Signer does. `make` gives one with a key that works. */
export function signerContract(name: string, make: () => Promise<Signer>): void {
  describe(`${name} signs`, () => {
    it('with a key on P-256, whose public half is PEM of one form', async () => {
      const pem = await (await make()).publicKey();
      expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+\n-----END PUBLIC KEY-----$/);
      expect(createPublicKey(pem).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    });

    it.each([0, 1, 4096, 4097, 300_000])('%i bytes, as DER that the public half verifies', async (length) => {
      const signer = await make();
      const bytes = Buffer.alloc(length, 'kbroker');
      const signature = await signer.sign(bytes);
      const key = await signer.publicKey();
      expect(verify('sha256', bytes, key, signature)).toBe(true);
      expect(verify('sha256', Buffer.concat([bytes, Buffer.of(0)]), key, signature)).toBe(false);
    });
  });
}
