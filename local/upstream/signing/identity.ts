import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sign } from './cab.ts';
import { issueCertificate, toPem } from './certificate.ts';
import { makeSignature } from './signature.ts';
import type { Holder } from './types.ts';

/** Signs indexes under a root that exists in one data folder only. */
export interface IndexSigner {
  /** The root, for those who shall trust it. PEM. */
  readonly rootPem: string;
  /** @param at when the countersignature says that it was made */
  signAt(at: Date): Sign;
}

const yearMilliseconds = 365 * 24 * 3600 * 1000;
const renewBeforeMilliseconds = 30 * 24 * 3600 * 1000;
const [rootFile, signerFile, clockFile] = ['root.pem', 'signer.pem', 'countersigner.pem'];

/**
 * The signer of this folder, made at the first call, and again when it nears its end or is damaged (an index that is out
 * then has to be published again). The root's private key is thrown away once it has issued the two certificates that
 * sign and countersign: nobody can sign anything else under it. The keys of those stay, for the owner's eyes only.
 */
export async function indexSignerIn(folder: string, now: Date): Promise<IndexSigner> {
  const kept = await usable(folder, now);
  if (kept) return kept;
  const span = {
    notBefore: new Date(now.getTime() - 24 * 3600 * 1000),
    notAfter: new Date(now.getTime() + 10 * yearMilliseconds),
  };
  const root = issueCertificate({ commonName: 'kbroker fake Microsoft root', isAuthority: true, ...span });
  const issued = { issuer: root, ...span } as const;
  const signer = issueCertificate({ commonName: 'kbroker fake Microsoft', purpose: 'codeSigning', ...issued });
  const clock = issueCertificate({
    commonName: 'kbroker fake time stamps',
    purpose: 'timeStamping',
    ...issued,
  });
  await mkdir(folder, { recursive: true });
  // The root first: what does not fit together is made anew at the next start.
  await replace(join(folder, rootFile), toPem(root.certificate), 0o644);
  await replace(join(folder, signerFile), holderPem(signer), 0o600);
  await replace(join(folder, clockFile), holderPem(clock), 0o600);
  return signerOf(toPem(root.certificate), signer, clock);
}

const signerOf = (rootPem: string, signer: Holder, clock: Holder): IndexSigner => ({
  rootPem,
  signAt: (at) => (fileDigest) =>
    makeSignature(fileDigest, {
      signer,
      chain: [],
      countersigner: { kind: 'rfc3161', authority: clock, chain: [], at },
    }),
});

async function usable(folder: string, now: Date): Promise<IndexSigner | undefined> {
  const read = (name: string): Promise<string | undefined> =>
    readFile(join(folder, name), 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
  const [rootPem, signerPem, clockPem] = [await read(rootFile), await read(signerFile), await read(clockFile)];
  if (rootPem === undefined || signerPem === undefined || clockPem === undefined) return undefined;
  try {
    const root = new X509Certificate(rootPem);
    const [signer, clock] = [readHolder(signerPem), readHolder(clockPem)];
    const fit = [signer, clock].every(({ certificate, privateKey }) => {
      const parsed = new X509Certificate(certificate);
      const lasts = parsed.validToDate.getTime() - now.getTime() > renewBeforeMilliseconds;
      return lasts && parsed.verify(root.publicKey) && parsed.checkPrivateKey(privateKey);
    });
    return fit ? signerOf(rootPem, signer, clock) : undefined;
  } catch {
    // Damaged files are as good as none.
    return undefined;
  }
}

const holderPem = ({ certificate, privateKey }: Holder): string =>
  toPem(certificate) + privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** @throws when it is no certificate with a key */
const readHolder = (pem: string): Holder => ({
  certificate: new X509Certificate(pem).raw,
  privateKey: createPrivateKey(pem),
});

async function replace(file: string, content: string, mode: number): Promise<void> {
  await writeFile(`${file}.new`, content, { mode });
  await rename(`${file}.new`, file);
}
