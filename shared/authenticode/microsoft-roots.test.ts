import { createHash, X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { signedWith, stateOf } from './fixtures/files.ts';
import { AuthenticodeError, microsoftRoots, microsoftRootsPem, parseRoots } from './index.ts';

/** SHA-1 thumbprints as Microsoft names them in "Required trusted root certificates". */
const thumbprints = {
  '8F43288AD272F3103B6FB1428485EA3014C0BCFE': 'CN=Microsoft Root Certificate Authority 2011',
  '3B1EFD3A66EA28B16697394703A72CA340A05BD5': 'CN=Microsoft Root Certificate Authority 2010',
  CDD4EEAE6000AC7F40C3802C171E30148030C072: 'CN=Microsoft Root Certificate Authority',
};

it('Microsoft’s roots are those with the thumbprints that Microsoft names, and sign themselves', () => {
  const found = microsoftRoots.map((root) => {
    const certificate = new X509Certificate(root);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    return [createHash('sha1').update(root).digest('hex').toUpperCase(), certificate.subject.split('\n').at(-1)];
  });
  expect(Object.fromEntries(found)).toEqual(thumbprints);
});

it('roots are read from PEM, with text around them', () => {
  expect(parseRoots(`# ours\n${microsoftRootsPem}\n# the end`)).toEqual(microsoftRoots);
});

it('a policy with something else than certificates is refused', async () => {
  const policy = { roots: [new Uint8Array(9)], allowSha1: false };
  await expect(stateOf(signedWith(), policy)).rejects.toMatchObject({ code: 'bad-roots' });
});

it.each([
  ['', 'got 0 characters without a certificate, allowed are PEM blocks'],
  ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'certificate 1 cannot be read'],
])('a text without roots is refused: %j', (pem, message) => {
  const parse = (): unknown => parseRoots(pem);
  expect(parse).toThrow(AuthenticodeError);
  expect(parse).toThrow(message);
});
