import { calculateJwkThumbprint, importJWK, jwtVerify } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ProofClaims, proofAlgorithm, proofType } from '#shared/contract/agent/identity.ts';
import type { KeyStore } from './identity.ts';

/** An adapter under test. */
export interface KeyStoreUnderTest {
  readonly name: string;
  /** Makes an empty store; called once for each test. */
  prepare(): Promise<void>;
  /** The adapter on that store; called again, it is as after a restart of the agent. */
  open(): KeyStore;
}

const claims = (thumbprint: string): ProofClaims => ({
  iss: thumbprint,
  sub: 'host-1',
  aud: 'urn:kbroker:test',
  iat: 1_800_000_000,
  exp: 1_800_000_300,
  seq: 7,
  htm: 'POST',
  htp: '/v1/agent/check-ins',
  bh: 'A'.repeat(43),
});

/** What every store of keys has to keep. */
export function keyStoreContract({ name, prepare, open }: KeyStoreUnderTest): void {
  describe(`key store: ${name}`, () => {
    beforeEach(prepare);

    it('is empty at first, and knows no key', async () => {
      expect(await open().list()).toEqual([]);
      expect(await open().open('A'.repeat(43))).toBeUndefined();
      await open().remove('A'.repeat(43));
    });

    it('keeps a key over a restart, under its thumbprint', async () => {
      const made = await open().create();
      expect(made.thumbprint).toBe(await calculateJwkThumbprint(made.publicKey));
      expect(await open().list()).toEqual([made.thumbprint]);
      expect((await open().open(made.thumbprint))?.publicKey).toEqual(made.publicKey);
    });

    it('signs claims as they are, so that the public key proves them', async () => {
      const { thumbprint } = await open().create();
      const key = await open().open(thumbprint);
      const jwt = (await key?.sign(claims(thumbprint))) ?? '';
      const publicKey = await importJWK(key?.publicKey ?? { kty: 'EC' }, proofAlgorithm);
      const { payload, protectedHeader } = await jwtVerify(jwt, publicKey, {
        algorithms: [proofAlgorithm],
        currentDate: new Date(1_800_000_001_000),
      });
      expect(payload).toEqual(claims(thumbprint));
      expect(protectedHeader).toEqual({ alg: proofAlgorithm, typ: proofType });
    });

    it('gives no way to the private half', async () => {
      const key = await open().create();
      expect(Object.keys(key).toSorted()).toEqual(['publicKey', 'sign', 'thumbprint']);
      expect(key.publicKey).not.toHaveProperty('d');
    });

    it('makes another key each time, and removes one of them', async () => {
      const [one, two] = [await open().create(), await open().create()];
      expect((await open().list()).toSorted()).toEqual([one.thumbprint, two.thumbprint].toSorted());
      await open().remove(one.thumbprint);
      expect(await open().list()).toEqual([two.thumbprint]);
    });
  });
}
