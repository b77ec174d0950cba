import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeMicrosoft } from '#local/upstream/server.ts';
import { toPem } from '#local/upstream/signing/certificate.ts';
import { cabMember } from '#test/kit/cab-member.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { issue, span } from '#test/kit/signed-index.ts';
import { readAsn1 } from './asn1.ts';
import { countersigner, parties, policyOf, signedWith, stateOf } from './fixtures/files.ts';
import { microsoftRoots, microsoftRootsPem, parseRoots } from './index.ts';
import { readSignedMessage } from './signed-message.ts';

/** Another verifier of Authenticode signatures, which knows nothing of ours. */
const verifier = 'osslsigncode';
const isThere = spawnSync(verifier, ['--version'], { stdio: 'ignore' }).error === undefined;
if (!isThere) {
  const message = 'signatures are not compared with osslsigncode: it is not installed';
  if (process.env.CI === 'true') throw new Error(message);
  process.stderr.write(`\n!!! SKIPPED: ${message}\n\n`);
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-signatures-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Verdict {
  readonly succeeded: boolean;
  /** Digests of the file that it computed, lower-case hex; one for each signature. */
  readonly digests: readonly string[];
}

/** @param at time to judge the countersignature by: osslsigncode takes the present, where ours takes the stated one */
async function verdictOf(file: Uint8Array, rootsPem: string, at?: Date): Promise<Verdict> {
  const [cab, roots] = [join(folder, 'file.cab'), join(folder, 'roots.pem')];
  await writeFile(cab, file);
  await writeFile(roots, rootsPem);
  const when = at === undefined ? [] : ['-time', String(Math.floor(at.getTime() / 1000))];
  // No lists of revocations: they would be fetched.
  const trust = ['-CAfile', roots, '-TSA-CAfile', roots, '-ignore-cdp', '-ignore-crl'];
  const { status, stdout } = spawnSync(verifier, ['verify', ...trust, ...when, '-in', cab], { encoding: 'utf8' });
  const digests = [...stdout.matchAll(/Calculated message digest : ([0-9A-F]+)/g)].map(([, hex = '']) =>
    hex.toLowerCase(),
  );
  return { succeeded: status === 0, digests };
}

const rootPem = toPem(parties.root.certificate);

describe.skipIf(!isThere)('osslsigncode agrees', () => {
  it.each(['rfc3161', 'legacy'] as const)('on what we sign, countersigned as %s', async (kind) => {
    const file = signedWith({ countersigner: { ...countersigner, kind } });
    const state = await stateOf(file);
    expect(state).toMatchObject({ state: 'valid' });
    const verdict = await verdictOf(file, rootPem);
    expect(verdict).toEqual({ succeeded: true, digests: [state.state === 'valid' ? state.digest : ''] });
  });

  const stranger = issue({ commonName: 'a stranger', isAuthority: true });
  const bad = {
    'a changed byte': () => {
      const file = Buffer.from(signedWith({ countersigner }));
      file.writeUInt8(file.readUInt8(100) ^ 1, 100);
      return file;
    },
    'a certificate that may not sign code': () =>
      signedWith({ signer: issue({ commonName: 'x', issuer: parties.middle, purpose: 'timeStamping' }) }),
    'another root': () =>
      signedWith({ signer: issue({ commonName: 'x', issuer: stranger, purpose: 'codeSigning' }), chain: [] }),
    // Of a certificate that has not ended, osslsigncode passes over such a time stamp; ours is stricter.
    'the time stamp of something else on a certificate that has ended': () =>
      signedWith({
        signer: issue({ commonName: 'x', issuer: parties.middle, purpose: 'codeSigning', notAfter: span.notBefore }),
        countersigner: { ...countersigner, over: Buffer.from('something else') },
      }),
  } as const;
  it.each(Object.entries(bad))('that %s is not valid', async (_what, make) => {
    const file = make();
    expect((await stateOf(file)).state).not.toBe('valid');
    expect((await verdictOf(file, rootPem)).succeeded).toBe(false);
  });

  it('on the indexes of the fake Microsoft', async () => {
    const dataDir = join(folder, 'microsoft');
    const microsoft = await startFakeMicrosoft({ dataDir });
    try {
      await microsoft.publishNext();
      const file = await readFile(join(dataDir, 'publications', '1', 'index.cab'));
      const fakeRoot = await readFile(join(dataDir, 'signing', 'root.pem'), 'utf8');
      expect(await verdictOf(file, fakeRoot)).toMatchObject({ succeeded: true });
      expect(await verdictOf(file, microsoftRootsPem)).toMatchObject({ succeeded: false });
      const { rootsPem, allowSha1 } = microsoft.addresses.indexTrust;
      expect(allowSha1).toBe(false);
      expect(await stateOf(file, { roots: parseRoots(rootsPem), allowSha1 })).toMatchObject({ state: 'valid' });
      expect(await stateOf(file, { roots: microsoftRoots, allowSha1: true })).toMatchObject({ state: 'untrusted' });
    } finally {
      await microsoft.close();
    }
  });

  describe.skipIf(!haveSamples)('on real files', () => {
    const msu = sample('msu', 'Windows6.1-KB2999226-x64.msu');
    it.each([
      ['the .msu', () => readFile(msu)],
      ['its WSUSSCAN.cab', () => cabMember(msu, 'WSUSSCAN.cab')],
    ] as const)('%s', async (_name, read) => {
      const file = await read();
      const state = await stateOf(file, { roots: microsoftRoots, allowSha1: false });
      const { succeeded, digests } = await verdictOf(file, microsoftRootsPem, new Date('2015-07-21T17:41:00Z'));
      expect(succeeded).toBe(true);
      expect(digests.at(-1)).toBe(state.state === 'valid' ? state.digest : '');
    });

    it.each(['signed_vcredis1.cab', 'signed_msi_with_external_cab.cab'])('%s', async (name) => {
      const file = await readFile(sample('cab', 'signed-synthetic', name));
      const { block } = readAsn1(file.subarray(file.readUInt32LE(44)), 'the sample');
      const own = readSignedMessage(block, 'the sample')
        .certificates.map(({ x509 }) => x509.toString())
        .join('');
      const now = new Date('2027-01-01T00:00:00Z');
      expect(await verdictOf(file, own, now)).toMatchObject({ succeeded: true });
      expect(await stateOf(file, { roots: parseRoots(own), allowSha1: false }, { now })).toMatchObject({
        state: 'valid',
      });
      expect(await verdictOf(file, rootPem, now)).toMatchObject({ succeeded: false });
      expect(await stateOf(file, policyOf(parties.root), { now })).toMatchObject({ state: 'untrusted' });
    });
  });
});
