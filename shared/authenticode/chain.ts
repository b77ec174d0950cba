import { digestAlgorithm } from './algorithms.ts';
import type { Certificate } from './certificates.ts';
import { AuthenticodeError } from './error.ts';

/** Extended key usages (RFC 5280, section 4.2.1.12). */
const purposeIds = { codeSigning: '1.3.6.1.5.5.7.3.3', timeStamping: '1.3.6.1.5.5.7.3.8' } as const;
const anyPurpose = '2.5.29.37.0';
const digitalSignature = 0;
const certificateSigning = 5;

/** Certificates of a chain at most, root included; Microsoft's have three. */
const maxLength = 8;
/** Signatures looked at while chains are searched: many certificates of one name could keep a search busy for long. */
const maxSearch = 64;

const smallestRsaBits = 2048;

export interface ChainRequest {
  readonly leaf: Certificate;
  /** Certificates that came along; nothing is believed of them. */
  readonly others: readonly Certificate[];
  readonly roots: readonly Certificate[];
  /** When all of them must be valid. */
  readonly at: Date;
  /** Says in messages which time that is, for instance `when it was countersigned`. */
  readonly when: string;
  readonly purpose: keyof typeof purposeIds;
  readonly allowSha1: boolean;
}

/**
 * The chain from the leaf (first) to a trusted root (last), checked as RFC 5280, section 6, asks for where it concerns
 * code signing: links, authorities, path lengths, key usages and validity. Not looked at: revocation (lists would have
 * to be fetched), names and policies as constraints (a certificate that makes them critical is refused).
 * @throws AuthenticodeError `untrusted`, `expired`, `old-algorithm`
 */
export function followChain(request: ChainRequest): readonly Certificate[] {
  let best: AuthenticodeError | undefined;
  for (const chain of chains([request.leaf], request, { left: maxSearch })) {
    try {
      checkChain(chain, request);
      return chain;
    } catch (error) {
      if (!(error instanceof AuthenticodeError)) throw error;
      // A chain that is only too late says more than one that never held.
      if (best === undefined || (best.code === 'untrusted' && error.code !== 'untrusted')) best = error;
    }
  }
  throw best ?? new AuthenticodeError('untrusted', 'its chain of certificates does not lead to a trusted root');
}

/** Ways to a root by names and signatures, nothing else checked. */
function* chains(
  chain: readonly Certificate[],
  request: ChainRequest,
  search: { left: number },
): Generator<readonly Certificate[]> {
  const last = chain.at(-1) ?? request.leaf;
  if (request.roots.some((root) => same(root, last))) {
    yield chain;
    return;
  }
  if (chain.length === maxLength) return;
  for (const issuer of [...request.roots, ...request.others]) {
    if (issuer.subjectName !== last.issuerName || chain.some((member) => same(member, issuer))) continue;
    search.left -= 1;
    if (search.left < 0) return;
    if (signedBy(last, issuer)) yield* chains([...chain, issuer], request, search);
  }
}

const same = (a: Certificate, b: Certificate): boolean => a.x509.raw.equals(b.x509.raw);

function signedBy(certificate: Certificate, issuer: Certificate): boolean {
  try {
    return certificate.x509.verify(issuer.x509.publicKey);
  } catch {
    // A key of a kind that Node does not know has signed nothing that counts.
    return false;
  }
}

function checkChain(chain: readonly Certificate[], request: ChainRequest): void {
  const { at, purpose, allowSha1 } = request;
  const untrusted = (reason: string): AuthenticodeError => new AuthenticodeError('untrusted', reason);
  for (const [index, certificate] of chain.entries()) {
    const { subject, keyUsage, purposes } = certificate;
    const what = `the certificate of ${subject}`;
    const isLeaf = index === 0;
    if (certificate.unknownCritical.length > 0) {
      throw untrusted(`${what} has critical extensions nobody here knows: ${certificate.unknownCritical.join(', ')}`);
    }
    // A root is believed because it is configured, whatever it signed itself by.
    if (index < chain.length - 1) digestAlgorithm(certificate.signatureAlgorithm, what, allowSha1);
    checkKey(certificate, what);
    const fits = purposes?.some((id) => id === purposeIds[purpose] || (id === anyPurpose && !isLeaf)) ?? !isLeaf;
    if (!fits) throw untrusted(`${what} is not for ${purposeInWords[purpose]}`);
    if (isLeaf) {
      if (keyUsage !== undefined && !keyUsage.has(digitalSignature)) throw untrusted(`${what} is not for signatures`);
      continue;
    }
    if (!certificate.isAuthority) throw untrusted(`${what} is not that of an authority, but issued another`);
    if (keyUsage !== undefined && !keyUsage.has(certificateSigning)) {
      throw untrusted(`${what} is not for signing certificates, but signed one`);
    }
    const between = chain.slice(1, index).filter((member) => member.subjectName !== member.issuerName).length;
    if (certificate.pathLength !== undefined && between > certificate.pathLength) {
      throw untrusted(`${what} allows ${certificate.pathLength} authorities below it, there are ${between}`);
    }
  }
  for (const { subject, notBefore, notAfter } of chain) {
    if (at >= notBefore && at <= notAfter) continue;
    const span = `${notBefore.toISOString()} to ${notAfter.toISOString()}`;
    throw new AuthenticodeError(
      'expired',
      `the certificate of ${subject} is valid from ${span}, not on ${at.toISOString()} (${request.when})`,
    );
  }
}

const purposeInWords = { codeSigning: 'code signing', timeStamping: 'time stamping' } as const;

function checkKey({ x509 }: Certificate, what: string): void {
  const { asymmetricKeyType, asymmetricKeyDetails } = x509.publicKey;
  if (asymmetricKeyType === 'ec') return;
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  if (asymmetricKeyType !== 'rsa') {
    throw new AuthenticodeError('untrusted', `${what} has a key of kind ${asymmetricKeyType}, allowed are RSA and EC`);
  }
  if (bits < smallestRsaBits) {
    throw new AuthenticodeError(
      'old-algorithm',
      `${what} has an RSA key of ${bits} bits, allowed are ${smallestRsaBits} and more`,
    );
  }
}
