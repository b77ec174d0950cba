import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { bits, context, integer, octets, oid, sequence, set, time, utf8, yes } from '../tls/der.ts';
import { algorithm } from './fields.ts';
import type { DigestName, Holder } from './types.ts';

/** Extended key usages (RFC 5280, section 4.2.1.12). */
const purposeIds = { codeSigning: '1.3.6.1.5.5.7.3.3', timeStamping: '1.3.6.1.5.5.7.3.8' } as const;
/** Bits of the key usage, and how many of their byte are unused. */
const usages = { authority: [0x06, 1], signatures: [0x80, 7] } as const;

export interface CertificateRequest {
  readonly commonName: string;
  /** Absent: the certificate is its own issuer. */
  readonly issuer?: Holder;
  readonly isAuthority?: boolean;
  /** Most authorities below it. */
  readonly pathLength?: number;
  /** Absent: not restricted, which is no permission for a certificate that signs code. */
  readonly purpose?: keyof typeof purposeIds;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Elliptic keys are made in a moment; RSA is what Microsoft has. @default ec */
  readonly key?: 'ec' | 'rsa';
  /** Whose key it is for, instead of a new one. */
  readonly keyOf?: Holder;
  /** What the issuer signs it by. @default sha256 */
  readonly digest?: DigestName;
  /** Object identifier of an extension that is critical and that nobody knows. */
  readonly unknownCritical?: string;
}

/** Makes a certificate (RFC 5280) with a new key. */
export function issueCertificate(request: CertificateRequest): Holder {
  const privateKey = request.keyOf?.privateKey ?? newKey(request.key ?? 'ec');
  const publicKey = createPublicKey(privateKey);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const subject = nameOf(request.commonName);
  const issuer = request.issuer && new X509Certificate(request.issuer.certificate);
  const issuerKey = request.issuer?.privateKey ?? privateKey;
  const digest = request.digest ?? 'sha256';
  const isAuthority = request.isAuthority ?? false;
  const [usage, unused] = isAuthority ? usages.authority : usages.signatures;
  const pathLength = request.pathLength === undefined ? [] : [integer(Buffer.from([request.pathLength]))];
  const keyId = (key: Uint8Array): Buffer => createHash('sha1').update(key).digest();
  const issuerSpki = issuer?.publicKey.export({ type: 'spki', format: 'der' }) ?? spki;
  const signatureAlgorithm = signatureAlgorithmOf(issuerKey.asymmetricKeyType, digest);
  const body = sequence(
    context(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    signatureAlgorithm,
    request.issuer === undefined ? subject : subjectOf(request.issuer.certificate),
    sequence(time(request.notBefore), time(request.notAfter)),
    subject,
    spki,
    context(
      3,
      sequence(
        extension('2.5.29.19', true, isAuthority ? sequence(yes(), ...pathLength) : sequence()),
        extension('2.5.29.15', true, bits(Buffer.from([usage]), unused)),
        ...(request.purpose === undefined
          ? []
          : // RFC 3161 wants it critical in those of time stamps.
            [extension('2.5.29.37', request.purpose === 'timeStamping', sequence(oid(purposeIds[request.purpose])))]),
        extension('2.5.29.14', false, octets(keyId(spki))),
        extension('2.5.29.35', false, sequence(context(0, keyId(issuerSpki), false))),
        ...(request.unknownCritical === undefined ? [] : [extension(request.unknownCritical, true, sequence())]),
      ),
    ),
  );
  return {
    certificate: sequence(body, signatureAlgorithm, bits(sign(digest, body, issuerKey))),
    privateKey,
  };
}

const newKey = (kind: 'ec' | 'rsa'): KeyObject =>
  kind === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const nameOf = (commonName: string): Buffer =>
  sequence(
    set(sequence(oid('2.5.4.10'), utf8('kbroker fake Microsoft'))),
    set(sequence(oid('2.5.4.3'), utf8(commonName))),
  );

const extension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(id), ...(critical ? [yes()] : []), octets(value));

/** @returns AlgorithmIdentifier of signatures by keys of this kind */
export function signatureAlgorithmOf(keyType: string | undefined, digest: DigestName): Buffer {
  if (keyType === 'ec') return sequence(oid(digest === 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'));
  return algorithm(digest === 'sha1' ? '1.2.840.113549.1.1.5' : '1.2.840.113549.1.1.11');
}

/** One DER value with its tag and length, and where the next begins. */
function valueAt(der: Buffer, at: number): { readonly whole: Buffer; readonly inside: number; readonly next: number } {
  const first = der.readUInt8(at + 1);
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
  const inside = at + 2 + lengthBytes;
  return { whole: der.subarray(at, inside + length), inside, next: inside + length };
}

/** The fields of the body of a certificate, version first. */
function fieldsOf(certificate: Buffer): readonly Buffer[] {
  const body = valueAt(certificate, valueAt(certificate, 0).inside);
  const fields: Buffer[] = [];
  for (let at = body.inside; at < body.next; ) {
    const field = valueAt(certificate, at);
    fields.push(field.whole);
    at = field.next;
  }
  return fields;
}

const field = (certificate: Buffer, index: number): Buffer => fieldsOf(certificate)[index] ?? Buffer.alloc(0);

/** DER of the subject's name. */
const subjectOf = (certificate: Buffer): Buffer => field(certificate, 5);
/** IssuerAndSerialNumber, by which signatures name the certificate of their signer. */
export const issuerAndSerialOf = (certificate: Buffer): Buffer =>
  sequence(field(certificate, 3), field(certificate, 1));

/** One PEM block. */
export const toPem = (certificate: Uint8Array): string => {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
};
