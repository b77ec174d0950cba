import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signCab } from '#local/upstream/signing/cab.ts';
import { makeSignature } from '#local/upstream/signing/signature.ts';
import { context, octets, set } from '#local/upstream/tls/der.ts';
import { issue, span } from '#test/kit/signed-index.ts';
import { countersigner, parties, policyOf, signedWith, signing, stateOf, unsignedCab } from './fixtures/files.ts';
import { describeSignature, type SignatureState } from './index.ts';

const { root, middle, signer, clock } = parties;
const year = 365 * 24 * 3600 * 1000;
const longAgo = { notBefore: new Date(Date.now() - 3 * year), notAfter: new Date(Date.now() - 2 * year) };
const thenValid = new Date(Date.now() - 2.5 * year);
/** Authorities that were there long ago, too. */
const old = { notBefore: new Date(Date.now() - 5 * year), notAfter: new Date(Date.now() + year) };
const oldRoot = issue({ commonName: 'an old root', isAuthority: true, ...old });
const oldClock = issue({ commonName: 'an old clock', issuer: oldRoot, purpose: 'timeStamping', ...old });
const pastSigner = issue({ commonName: 'a past signer', issuer: oldRoot, purpose: 'codeSigning', ...longAgo });
const pastCountersigner = { kind: 'rfc3161', authority: oldClock, chain: [], at: thenValid } as const;

const said = async (file: Uint8Array, policy = policyOf(root), now = new Date()): Promise<string> =>
  describeSignature(await stateOf(file, policy, { now }));

describe('a signature that holds', () => {
  it.each(['rfc3161', 'legacy'] as const)('is valid with a countersignature of the kind %s', async (kind) => {
    const file = signedWith({ countersigner: { ...countersigner, kind } });
    const state = await stateOf(file);
    expect(state).toMatchObject({
      state: 'valid',
      signer: 'CN=a signer, O=kbroker fake Microsoft',
      issuer: 'CN=a middle, O=kbroker fake Microsoft',
      root: 'CN=a root, O=kbroker fake Microsoft',
      countersigner: 'CN=a clock, O=kbroker fake Microsoft',
      digestAlgorithm: 'sha256',
      thumbprint: createHash('sha256').update(signer.certificate).digest('hex'),
    });
    const at = state.state === 'valid' ? new Date(state.countersignedAt ?? '').getTime() : 0;
    // A UTCTime has no milliseconds.
    expect(Math.abs(at - countersigner.at.getTime())).toBeLessThan(1000);
  });

  it('is valid without a countersignature as long as the certificates are', async () => {
    const state = await stateOf(signedWith());
    expect(state).toMatchObject({ state: 'valid' });
    expect(state).not.toHaveProperty('countersignedAt');
    expect(await said(signedWith())).toMatch(/^valid: signed by CN=a signer, .*, not countersigned, sha256$/);
  });

  it('is valid with RSA keys, as Microsoft has them', async () => {
    const rsaRoot = issue({ commonName: 'rsa root', isAuthority: true, key: 'rsa' });
    const rsaSigner = issue({ commonName: 'rsa signer', issuer: rsaRoot, purpose: 'codeSigning', key: 'rsa' });
    const file = signedWith({ signer: rsaSigner, chain: [] });
    expect(await stateOf(file, policyOf(rsaRoot))).toMatchObject({ state: 'valid' });
  });

  it('is valid when the trusted certificate is the one in the middle, or the signer itself', async () => {
    for (const trusted of [middle, signer]) {
      expect(await stateOf(signedWith(), policyOf(trusted))).toMatchObject({ state: 'valid' });
    }
  });

  it('stays valid after its end when it was countersigned in time', async () => {
    const file = signedWith({ signer: pastSigner, chain: [], countersigner: pastCountersigner });
    expect(await stateOf(file, policyOf(oldRoot))).toMatchObject({
      state: 'valid',
      countersignedAt: thenValid.toISOString(),
    });
  });
});

describe('validity', () => {
  it('ends with the certificate when nothing says that it was signed before', async () => {
    const file = signedWith({ signer: pastSigner, chain: [] });
    expect(await stateOf(file, policyOf(oldRoot))).toMatchObject({
      state: 'expired',
      reason: expect.stringMatching(/a past signer.* is valid from .* \(now, as it is not countersigned\)$/),
    });
    expect(await stateOf(file, policyOf(oldRoot), { now: thenValid })).toMatchObject({ state: 'valid' });
  });

  it('has not begun yet', async () => {
    const now = new Date(span.notBefore.getTime() - 1000);
    expect(await stateOf(signedWith(), policyOf(root), { now })).toMatchObject({ state: 'expired' });
  });

  it('is judged by the countersigned time, also when that is too late', async () => {
    const late = { ...pastCountersigner, at: new Date() };
    const file = signedWith({ signer: pastSigner, chain: [], countersigner: late });
    expect(await stateOf(file, policyOf(oldRoot), { now: thenValid })).toMatchObject({
      state: 'expired',
      reason: expect.stringContaining('(when it was countersigned)'),
    });
  });
});

describe('a countersignature that does not hold', () => {
  it.each(['rfc3161', 'legacy'] as const)('of other bytes (%s)', async (kind) => {
    const file = signedWith({ countersigner: { ...countersigner, kind, over: Buffer.from('another signature') } });
    expect(await said(file)).toMatch(
      /^untrusted: its (time stamp|countersignature) is of (another signature|other content)/,
    );
  });

  const otherRoot = issue({ commonName: 'another root', isAuthority: true });
  const clocks = {
    'of an authority under another root': [
      issue({ commonName: 'a foreign clock', issuer: otherRoot, purpose: 'timeStamping' }),
      /^untrusted: its chain of certificates does not lead to a trusted root/,
    ],
    'of somebody who may sign code only': [
      issue({ commonName: 'no clock', issuer: middle, purpose: 'codeSigning' }),
      /^untrusted: the certificate of CN=no clock.* is not for time stamping/,
    ],
    'of an authority whose time was over': [
      issue({ commonName: 'a past clock', issuer: middle, purpose: 'timeStamping', ...longAgo }),
      /^expired: the certificate of CN=a past clock.*\(the time it states\)/,
    ],
  } as const;
  it.each(Object.entries(clocks))('%s', async (_what, [authority, words]) => {
    for (const kind of ['rfc3161', 'legacy'] as const) {
      const file = signedWith({ countersigner: { ...countersigner, kind, authority } });
      expect(await said(file)).toMatch(words);
    }
  });
});

describe('a chain that does not hold', () => {
  const impostor = issue({ commonName: 'a root', isAuthority: true });
  const notAuthority = issue({ commonName: 'no authority', issuer: root });
  const shortLine = issue({ commonName: 'a short line', isAuthority: true, issuer: root, pathLength: 0 });
  const below = issue({ commonName: 'one too many', isAuthority: true, issuer: shortLine });
  const stamps = issue({ commonName: 'for time stamps', isAuthority: true, issuer: root, purpose: 'timeStamping' });
  const sign = (commonName: string, issuer: typeof root, purpose?: 'codeSigning' | 'timeStamping') =>
    issue({ commonName, issuer, ...(purpose && { purpose }) });
  const cases = {
    'ends at another root of the same name': [
      sign('x', impostor, 'codeSigning'),
      [impostor],
      'its chain of certificates does not lead to a trusted root',
    ],
    'lacks the authority in the middle': [sign('x', middle, 'codeSigning'), [], 'does not lead to a trusted root'],
    'ends with a certificate for nothing in particular': [sign('x', middle), [middle], 'is not for code signing'],
    'ends with one for time stamps': [sign('x', middle, 'timeStamping'), [middle], 'is not for code signing'],
    'has an issuer that is no authority': [
      sign('x', notAuthority, 'codeSigning'),
      [notAuthority],
      'is not that of an authority, but issued another',
    ],
    'is longer than an authority allows': [
      sign('x', below, 'codeSigning'),
      [below, shortLine],
      'allows 0 authorities below it, there are 1',
    ],
    'has an authority for time stamps only': [sign('x', stamps, 'codeSigning'), [stamps], 'is not for code signing'],
    'has a critical extension that nobody knows': [
      issue({ commonName: 'x', issuer: middle, purpose: 'codeSigning', unknownCritical: '1.2.3.4' }),
      [middle],
      'has critical extensions nobody here knows: 1.2.3.4',
    ],
  } as const;
  it.each(Object.entries(cases))('%s', async (_what, [leaf, chain, reason]) => {
    const file = signedWith({ signer: leaf, chain: chain.map(({ certificate }) => certificate) });
    expect(await stateOf(file)).toMatchObject({ state: 'untrusted', reason: expect.stringContaining(reason) });
  });

  it('is searched for a bounded time among many authorities of one name', async () => {
    // With one key, each of them has signed each other: more ways than anybody could go.
    const twin = issue({ commonName: 'twin', isAuthority: true });
    const twins = Array.from({ length: 40 }, () => issue({ commonName: 'twin', isAuthority: true, keyOf: twin }));
    const leaf = issue({ commonName: 'x', issuer: twin, purpose: 'codeSigning' });
    const file = signedWith({ signer: leaf, chain: twins.map(({ certificate }) => certificate) });
    const began = performance.now();
    expect(await stateOf(file)).toMatchObject({ state: 'untrusted' });
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('is refused when the key is not that of the certificate', async () => {
    const thief = { certificate: signer.certificate, privateKey: clock.privateKey };
    expect(await said(signedWith({ signer: thief }))).toMatch(/^untrusted: the signature was not made with the key of/);
  });
});

describe('old algorithms', () => {
  const sha1 = signedWith({ digest: 'sha1', countersigner });

  it('SHA-1 counts by setting only', async () => {
    expect(await said(sha1)).toBe('old algorithm: the digest of the file uses SHA1, allowed is SHA-2');
    expect(await stateOf(sha1, policyOf(root, true))).toMatchObject({ state: 'valid', digestAlgorithm: 'sha1' });
  });

  it('SHA-1 does not count in the countersignature or in a certificate either', async () => {
    const oldLeaf = issue({ commonName: 'x', issuer: middle, purpose: 'codeSigning', digest: 'sha1' });
    const file = signedWith({ signer: oldLeaf });
    expect(await said(file)).toMatch(/^old algorithm: the certificate of CN=x.* uses SHA1, allowed is SHA-2/);
    expect(await stateOf(file, policyOf(root, true))).toMatchObject({ state: 'valid' });
  });

  it('a SHA-256 signature nested in one by SHA-1 counts', async () => {
    const better: Buffer[] = [];
    signCab(unsignedCab, (digest) => {
      better.push(signing({ countersigner })(digest));
      return Buffer.alloc(8);
    });
    const both = signedWith({ digest: 'sha1', nested: better });
    expect(await stateOf(both)).toMatchObject({ state: 'valid', digestAlgorithm: 'sha256' });
    // Also where the old one would do: the better one is named.
    expect(await stateOf(both, policyOf(root, true))).toMatchObject({ state: 'valid', digestAlgorithm: 'sha256' });
  });

  it('says of two signatures what is wrong with the better one', async () => {
    const other = makeSignature(Buffer.alloc(32), { signer, chain: [middle.certificate] });
    expect(await stateOf(signedWith({ digest: 'sha1', nested: [other] }))).toMatchObject({ state: 'digest-mismatch' });
  });
});

describe('what is signed', () => {
  it('must be a cabinet: the signature of a program says nothing of one', async () => {
    // SPC_PE_IMAGE_DATA
    const file = signedWith({ dataType: '1.3.6.1.4.1.311.2.1.15' });
    expect(await said(file)).toMatch(
      /^malformed: the signature is that of another kind of file \(1\.3\.6\.1\.4\.1\.311\.2\.1\.15\)/,
    );
  });

  const spcLink = '1.3.6.1.4.1.311.2.1.28';
  const objectOf = (classId: string) => context(1, Buffer.concat([octets(Buffer.from(classId, 'hex')), octets(set())]));

  it('may be a link to an object of the class that Microsoft writes into its cabinets', async () => {
    const file = signedWith({ dataType: spcLink, dataValue: objectOf('a6b586d5b4a12466ae05a217da8e60d6') });
    expect(await stateOf(file)).toMatchObject({ state: 'valid' });
  });

  it.each<[string, Uint8Array]>([
    ['of another class', objectOf('c689aaba8e7811d08c4700c04fc295ee')],
    ['without a class', context(1, octets(Buffer.alloc(0)))],
    ['to a file', context(2, context(0, Buffer.from('x'), false))],
    ['that is none', octets(Buffer.from('a6b586d5b4a12466ae05a217da8e60d6', 'hex'))],
  ])('is no cabinet for a link %s', async (_what, dataValue) => {
    expect(await said(signedWith({ dataType: spcLink, dataValue }))).toMatch(
      /^malformed: the signature is that of another kind of file \(a link .*\), allowed are cabinet data \(1\.3\..*\.25\) and a link to an object of class a6b586d5/,
    );
  });

  it('must be these bytes', async () => {
    const state: SignatureState = await stateOf(signCab(unsignedCab, () => signing()(Buffer.alloc(32, 1))));
    expect(state).toMatchObject({ state: 'digest-mismatch', digestAlgorithm: 'sha256', expected: '01'.repeat(32) });
    expect(describeSignature(state)).toMatch(/^changed after signing: its sha256 is [0-9a-f]{64}, signed was 0101/);
  });
});
