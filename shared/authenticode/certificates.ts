import { X509Certificate } from 'node:crypto';
import { BitString } from 'asn1js';
import { BasicConstraints, ExtKeyUsage, Certificate as PkijsCertificate } from 'pkijs';
import { readAsn1 } from './asn1.ts';
import { AuthenticodeError } from './error.ts';

/** An X.509 certificate (RFC 5280), as far as chains ask for it. */
export interface Certificate {
  readonly x509: X509Certificate;
  /** Distinguished name, for people. */
  readonly subject: string;
  /** DER of the names, hex; equal ones link a certificate to its issuer's. */
  readonly subjectName: string;
  readonly issuerName: string;
  /** Lower-case hex. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Object identifier of the algorithm that its issuer signed it by. */
  readonly signatureAlgorithm: string;
  readonly isAuthority: boolean;
  /** Most authorities between it and the last certificate; undefined: as many as one likes. */
  readonly pathLength: number | undefined;
  /** Bits of the key usage, 0 is digitalSignature; undefined when it is not restricted. */
  readonly keyUsage: ReadonlySet<number> | undefined;
  /** Object identifiers of the extended key usage; undefined when it is not restricted. */
  readonly purposes: readonly string[] | undefined;
  /** Critical extensions that nobody here knows. */
  readonly unknownCritical: readonly string[];
  /** `O` of the subject. */
  readonly organizations: readonly string[];
}

const extensionIds = { basicConstraints: '2.5.29.19', keyUsage: '2.5.29.15', purposes: '2.5.29.37' } as const;
/**
 * Certificate policies say under which rules a certificate was issued. Nobody here asks for certain ones, so they may be
 * critical, as in Microsoft's Time-Stamp PCA 2010 (RFC 5280, section 6.1: any policy is in the initial set).
 */
const policiesId = '2.5.29.32';
const knownIds: readonly string[] = [...Object.values(extensionIds), policiesId];
const organizationId = '2.5.4.10';

/** @throws AuthenticodeError `malformed` */
export function readCertificate(der: Uint8Array): Certificate {
  try {
    const x509 = new X509Certificate(der);
    // What Node read, not what it was given: both readers then see the same bytes.
    const parsed = new PkijsCertificate({ schema: readAsn1(x509.raw, 'a certificate').block });
    const extensions = new Map((parsed.extensions ?? []).map((extension) => [extension.extnID, extension]));
    if (extensions.size !== (parsed.extensions ?? []).length) throw new Error('an extension is there twice');
    const constraints = extensions.get(extensionIds.basicConstraints)?.parsedValue;
    const usage = extensions.get(extensionIds.keyUsage)?.parsedValue;
    const purposes = extensions.get(extensionIds.purposes)?.parsedValue;
    for (const [id, value, kind] of [
      [extensionIds.basicConstraints, constraints, BasicConstraints],
      [extensionIds.keyUsage, usage, BitString],
      [extensionIds.purposes, purposes, ExtKeyUsage],
    ] as const) {
      if (extensions.has(id) && !(value instanceof kind)) throw new Error(`extension ${id} cannot be read`);
    }
    return {
      x509,
      subject: nameInWords(x509.subject),
      subjectName: Buffer.from(parsed.subject.valueBeforeDecode).toString('hex'),
      issuerName: Buffer.from(parsed.issuer.valueBeforeDecode).toString('hex'),
      serial: Buffer.from(parsed.serialNumber.valueBlock.valueHexView).toString('hex'),
      notBefore: x509.validFromDate,
      notAfter: x509.validToDate,
      signatureAlgorithm: parsed.signatureAlgorithm.algorithmId,
      isAuthority: constraints instanceof BasicConstraints && constraints.cA,
      pathLength: constraints instanceof BasicConstraints ? pathLengthOf(constraints) : undefined,
      keyUsage: usage instanceof BitString ? bitsOf(usage.valueBlock.valueHexView) : undefined,
      purposes: purposes instanceof ExtKeyUsage ? purposes.keyPurposes : undefined,
      unknownCritical: [...extensions.values()]
        .filter(({ critical, extnID }) => critical && !knownIds.includes(extnID))
        .map(({ extnID }) => extnID),
      organizations: parsed.subject.typesAndValues
        .filter(({ type }) => type === organizationId)
        .map(({ value }) => String(value.valueBlock.value)),
    };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AuthenticodeError('malformed', `a certificate in the signature cannot be read: ${why}`, { cause });
  }
}

function pathLengthOf({ pathLenConstraint }: BasicConstraints): number | undefined {
  if (pathLenConstraint === undefined) return undefined;
  // Beyond what fits a number pkijs hands out the integer itself: longer than any chain.
  return typeof pathLenConstraint === 'number' ? pathLenConstraint : Number.MAX_SAFE_INTEGER;
}

function bitsOf(bytes: Uint8Array): ReadonlySet<number> {
  const bits = new Set<number>();
  for (const [index, byte] of bytes.entries()) {
    for (let bit = 0; bit < 8; bit += 1) if ((byte & (0x80 >> bit)) !== 0) bits.add(index * 8 + bit);
  }
  return bits;
}

/** Node writes a part of the name on each line, the country first. */
const nameInWords = (lines: string): string => lines.split('\n').reverse().join(', ');
