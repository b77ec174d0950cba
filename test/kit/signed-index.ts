import { signCab } from '#local/upstream/signing/cab.ts';
import { type CertificateRequest, issueCertificate, toPem } from '#local/upstream/signing/certificate.ts';
import { makeSignature } from '#local/upstream/signing/signature.ts';

const day = 24 * 3600 * 1000;
/** The whole life of the certificates of the tests. */
export const span = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 365 * day) };

/** A certificate that is valid now, unless the request says otherwise. */
export const issue = (request: Omit<CertificateRequest, 'notBefore' | 'notAfter'> & Partial<typeof span>) =>
  issueCertificate({ ...span, ...request });

const root = issue({ commonName: 'root of the tests', isAuthority: true });
const signer = issue({ commonName: 'signer of the tests', issuer: root, purpose: 'codeSigning' });
const clock = issue({ commonName: 'clock of the tests', issuer: root, purpose: 'timeStamping' });

/** The root that {@link signedCab} signs under: one for each process of tests. PEM. */
export const testRootPem = toPem(root.certificate);

/** A cabinet, for instance an index, signed and countersigned now. */
export const signedCab = (cab: Uint8Array): Buffer =>
  signCab(cab, (fileDigest) =>
    makeSignature(fileDigest, {
      signer,
      chain: [],
      countersigner: { kind: 'rfc3161', authority: clock, chain: [], at: new Date() },
    }),
  );
