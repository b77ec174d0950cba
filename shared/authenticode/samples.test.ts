import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { cabMember } from '#test/kit/cab-member.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { readAsn1 } from './asn1.ts';
import { stateOf } from './fixtures/files.ts';
import { describeSignature, microsoftRoots } from './index.ts';
import { readSignedMessage } from './signed-message.ts';

const msu = sample('msu', 'Windows6.1-KB2999226-x64.msu');
const files = {
  'the .msu': () => readFile(msu),
  'the WSUSSCAN.cab inside': () => cabMember(msu, 'WSUSSCAN.cab'),
};
const strict = { roots: microsoftRoots, allowSha1: false };

describe.skipIf(!haveSamples).each(Object.entries(files))('%s that Microsoft signed in 2015', (_name, read) => {
  it('is valid, eleven years after its certificates ended, by the SHA-256 signature nested in that by SHA-1', async () => {
    expect(await stateOf(await read(), strict, { chunkSize: 4096 })).toMatchObject({
      state: 'valid',
      signer: 'CN=Microsoft Corporation, OU=MOPR, O=Microsoft Corporation, L=Redmond, ST=Washington, C=US',
      issuer: expect.stringContaining('CN=Microsoft Code Signing PCA 2010,'),
      root: expect.stringContaining('CN=Microsoft Root Certificate Authority 2010,'),
      countersignedAt: expect.stringMatching(/^2015-07-21T17:3/),
      digestAlgorithm: 'sha256',
    });
  });

  it('is valid by its SHA-1 signature where only the root of that one is trusted, if SHA-1 is accepted', async () => {
    const roots = microsoftRoots.filter((root) => new X509Certificate(root).subject.includes('DC=microsoft'));
    expect(roots).toHaveLength(1);
    const file = await read();
    expect(await stateOf(file, { roots, allowSha1: true })).toMatchObject({ state: 'valid', digestAlgorithm: 'sha1' });
    expect(await stateOf(file, { roots, allowSha1: false })).toMatchObject({ state: 'untrusted' });
  });

  it('is not valid with one bit changed', async () => {
    const file = Buffer.from(await read());
    file.writeUInt8(file.readUInt8(5000) ^ 1, 5000);
    expect(await stateOf(file, strict)).toMatchObject({ state: 'digest-mismatch' });
    expect(await stateOf(file, { ...strict, allowSha1: true })).toMatchObject({ state: 'digest-mismatch' });
  });
});

describe.skipIf(!haveSamples).each(['signed_vcredis1.cab', 'signed_msi_with_external_cab.cab'])('%s', (name) => {
  it('is valid under its own throw-away certificate and untrusted under any other', async () => {
    const file = await readFile(sample('cab', 'signed-synthetic', name));
    const { block } = readAsn1(file.subarray(file.readUInt32LE(44)), 'the sample');
    const roots = readSignedMessage(block, 'the sample').certificates.map(({ x509 }) => new Uint8Array(x509.raw));
    const now = new Date('2027-01-01T00:00:00Z');
    expect(await stateOf(file, { roots, allowSha1: false }, { now })).toMatchObject({ state: 'valid' });
    expect(describeSignature(await stateOf(file, strict, { now }))).toMatch(
      /^untrusted: its chain of certificates does not lead to a trusted root \(signed by CN=Test CAB signer/,
    );
  });
});
