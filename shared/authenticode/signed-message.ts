import { createHash, verify } from 'node:crypto';
import type { BaseBlock } from 'asn1js';
import { type Attribute, IssuerAndSerialNumber, SignedData, SignerInfo } from 'pkijs';
import { digestAlgorithm } from './algorithms.ts';
import { content, encoded, isTagged, parts } from './asn1.ts';
import { type Certificate, readCertificate } from './certificates.ts';
import { AuthenticodeError } from './error.ts';

const signedDataId = '1.2.840.113549.1.7.2';
const contentTypeId = '1.2.840.113549.1.9.3';
const messageDigestId = '1.2.840.113549.1.9.4';

/** Certificates that a message may bring along; Microsoft's bring 2 to 6. */
const maxCertificates = 64;

/** A SignedData of PKCS #7 (RFC 2315) or CMS (RFC 5652) with its one signer. */
export interface SignedMessage {
  /** Object identifier of what is signed. */
  readonly contentType: string;
  /** What is signed, as one ASN.1 value. */
  readonly body: BaseBlock;
  readonly certificates: readonly Certificate[];
  readonly signer: Signer;
}

/** Who signed what, not yet verified. */
export interface Signer {
  readonly issuerName: string;
  readonly serial: string;
  readonly digestId: string;
  /** Signed attributes: their values by object identifier, and the bytes that are signed. */
  readonly signedAttributes: { readonly values: AttributeValues; readonly bytes: Buffer };
  readonly unsignedAttributes: AttributeValues;
  readonly signature: Buffer;
}

type AttributeValues = ReadonlyMap<string, readonly BaseBlock[]>;

/**
 * Reads a ContentInfo with a SignedData in it.
 * @param what it is, for messages
 * @throws AuthenticodeError `malformed`
 */
export function readSignedMessage(block: BaseBlock, what: string): SignedMessage {
  const malformed = (reason: string): AuthenticodeError => new AuthenticodeError('malformed', `${what} ${reason}`);
  const [kind, wrapped] = parts(block);
  const [body, ...more] = parts(wrapped);
  if (kind?.valueBlock.toString() !== signedDataId || !isTagged(wrapped, 0) || body === undefined || more.length > 0) {
    throw malformed('is not a PKCS #7 SignedData');
  }
  // The bytes of the certificates, as they stand there: pkijs would encode them anew.
  const certificates = parts(parts(body).find((part) => isTagged(part, 0)));
  if (certificates.length > maxCertificates) {
    throw malformed(`brings ${certificates.length} certificates along, allowed are ${maxCertificates}`);
  }
  const plain = certificates.filter((certificate) => certificate.idBlock.tagClass === 1);
  const read = plain.map((certificate) => readCertificate(encoded(certificate)));
  const data = parsed(() => new SignedData({ schema: body }), what);
  const { eContentType, eContent } = data.encapContentInfo;
  if (eContent === undefined) throw malformed('holds nothing that is signed');
  const [signer, ...others] = data.signerInfos;
  if (signer === undefined || others.length > 0)
    throw malformed(`has ${data.signerInfos.length} signers, allowed is 1`);
  return { contentType: eContentType, body: eContent, certificates: read, signer: readSigner(signer, what) };
}

/** @throws AuthenticodeError `malformed` */
export function readSignerInfo(block: BaseBlock, what: string): Signer {
  return readSigner(
    parsed(() => new SignerInfo({ schema: block }), what),
    what,
  );
}

function parsed<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AuthenticodeError('malformed', `${what} cannot be read: ${why}`, { cause });
  }
}

function readSigner(info: SignerInfo, what: string): Signer {
  const { sid, signedAttrs } = info;
  if (!(sid instanceof IssuerAndSerialNumber) || signedAttrs === undefined) {
    throw new AuthenticodeError('malformed', `${what} does not name its signer by issuer and serial number`);
  }
  return {
    issuerName: Buffer.from(sid.issuer.valueBeforeDecode).toString('hex'),
    serial: Buffer.from(sid.serialNumber.valueBlock.valueHexView).toString('hex'),
    digestId: info.digestAlgorithm.algorithmId,
    signedAttributes: {
      values: valuesOf(signedAttrs.attributes, what),
      // With the tag of a SET OF in the place of [0] (RFC 5652, section 5.4).
      bytes: Buffer.from(signedAttrs.encodedValue),
    },
    unsignedAttributes: valuesOf(info.unsignedAttrs?.attributes ?? [], what),
    signature: Buffer.from(info.signature.valueBlock.valueHexView),
  };
}

function valuesOf(attributes: readonly Attribute[], what: string): AttributeValues {
  const values = new Map<string, readonly BaseBlock[]>();
  for (const attribute of attributes) {
    if (values.has(attribute.type))
      throw new AuthenticodeError('malformed', `${what} has attribute ${attribute.type} twice`);
    values.set(attribute.type, attribute.values);
  }
  return values;
}

/**
 * Proves that a signer signed these bytes, and says by which of the certificates; nothing is said of that one's trust.
 * @throws AuthenticodeError `untrusted`, `malformed`, `old-algorithm`
 */
export function verifySigner(
  signer: Signer,
  signed: { readonly contentType: string; readonly bytes: Uint8Array },
  certificates: readonly Certificate[],
  allowSha1: boolean,
  what: string,
): Certificate {
  const algorithm = digestAlgorithm(signer.digestId, what, allowSha1);
  const one = (id: string): BaseBlock | undefined => {
    const values = signer.signedAttributes.values.get(id);
    return values?.length === 1 ? values[0] : undefined;
  };
  const [type, digest] = [one(contentTypeId), one(messageDigestId)];
  if (type === undefined || digest === undefined) {
    throw new AuthenticodeError('malformed', `${what} does not sign the type and the digest of its content`);
  }
  if (type.valueBlock.toString() !== signed.contentType) {
    throw new AuthenticodeError('untrusted', `${what} is of another kind of content than it holds`);
  }
  const actual = createHash(algorithm).update(signed.bytes).digest();
  if (!content(digest, what).equals(actual)) throw new AuthenticodeError('untrusted', `${what} is of other content`);
  const certificate = certificates.find(
    ({ issuerName, serial }) => issuerName === signer.issuerName && serial === signer.serial,
  );
  if (certificate === undefined) {
    throw new AuthenticodeError('untrusted', `${what} lacks the certificate of its signer (serial ${signer.serial})`);
  }
  if (!holds(algorithm, signer, certificate)) {
    throw new AuthenticodeError('untrusted', `${what} was not made with the key of ${certificate.subject}`);
  }
  return certificate;
}

function holds(algorithm: string, signer: Signer, { x509 }: Certificate): boolean {
  try {
    return verify(algorithm, signer.signedAttributes.bytes, x509.publicKey, signer.signature);
  } catch {
    // A key or a signature of a form that cannot be checked proves nothing.
    return false;
  }
}

/**
 * The bytes of an OCTET STRING.
 * @throws AuthenticodeError `malformed` when it is something else
 */
export function octetsOf(block: BaseBlock, what: string): Buffer {
  const { tagClass, tagNumber, isConstructed } = block.idBlock;
  if (tagClass !== 1 || tagNumber !== 4 || isConstructed) {
    throw new AuthenticodeError('malformed', `${what} is not an OCTET STRING`);
  }
  return content(block, what);
}
