import { createHash, randomBytes, sign } from 'node:crypto';
import { context, integer, octets, oid, sequence, set, time } from '../tls/der.ts';
import { issuerAndSerialOf, signatureAlgorithmOf } from './certificate.ts';
import { algorithm, digestAlgorithm, generalizedTime } from './fields.ts';
import type { DigestName, Holder } from './types.ts';

const ids = {
  signedData: '1.2.840.113549.1.7.2',
  data: '1.2.840.113549.1.7.1',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  countersignature: '1.2.840.113549.1.9.6',
  /** Of RFC 3161 and RFC 5035. */
  tokenInfo: '1.2.840.113549.1.9.16.1.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.47',
  /** Microsoft's. */
  indirectData: '1.3.6.1.4.1.311.2.1.4',
  statementType: '1.3.6.1.4.1.311.2.1.11',
  individualSigning: '1.3.6.1.4.1.311.2.1.21',
  cabinetData: '1.3.6.1.4.1.311.2.1.25',
  nested: '1.3.6.1.4.1.311.2.4.1',
  timestamp: '1.3.6.1.4.1.311.3.3.1',
} as const;

/** Any policy would do; this one is in OpenSSL's example configuration. */
const timestampPolicy = '1.2.3.4.1';

/** Who says when. */
interface Countersigner {
  readonly kind: 'rfc3161' | 'legacy';
  readonly authority: Holder;
  /** Certificates between the authority's and the root, DER. */
  readonly chain: readonly Buffer[];
  readonly at: Date;
  /** What it says to have seen in the place of the signature. */
  readonly over?: Uint8Array;
}

export interface SignatureOptions {
  readonly signer: Holder;
  /** Certificates between the signer's and the root, DER. */
  readonly chain: readonly Buffer[];
  /** @default sha256 */
  readonly digest?: DigestName;
  readonly countersigner?: Countersigner;
  /** Further signatures, made by this function as well. */
  readonly nested?: readonly Buffer[];
  /** What kind of file it is of. @default a cabinet */
  readonly dataType?: string;
  /** DER of what follows the kind of file. @default a link to the file `<<<Obsolete>>>` */
  readonly dataValue?: Uint8Array;
}

/**
 * An Authenticode signature: SignedData of PKCS #7 (RFC 2315) over an SpcIndirectDataContent, as Microsoft's "Windows
 * Authenticode Portable Executable Signature Format" (2008) describes it.
 * @param fileDigest of the signed part of the file
 */
export function makeSignature(fileDigest: Uint8Array, options: SignatureOptions): Buffer {
  const { signer, chain, digest = 'sha256', countersigner, nested = [] } = options;
  // SpcIndirectDataContent without its tag and length: those are not signed.
  const content = [
    sequence(oid(options.dataType ?? ids.cabinetData), options.dataValue ?? obsoleteLink()),
    sequence(digestAlgorithm(digest), octets(fileDigest)),
  ];
  const statement = attribute(ids.statementType, sequence(oid(ids.individualSigning)));
  const signed = signerInfo(signer, digest, ids.indirectData, Buffer.concat(content), [statement]);
  const unsigned = [
    ...(countersigner === undefined ? [] : [countersignature(signed.signature, countersigner, digest)]),
    ...(nested.length === 0 ? [] : [attribute(ids.nested, ...nested)]),
  ];
  const extra = countersigner?.kind === 'legacy' ? [countersigner.authority.certificate, ...countersigner.chain] : [];
  return signedData({
    version: 1,
    digest,
    content: sequence(oid(ids.indirectData), context(0, sequence(...content))),
    certificates: [signer.certificate, ...chain, ...extra],
    signer: signed.with(unsigned),
  });
}

/** SpcLink with the file name that every signer of cabinets writes there. */
function obsoleteLink(): Buffer {
  const name = Buffer.from('<<<Obsolete>>>', 'utf16le').swap16();
  return context(2, context(0, name, false));
}

const attribute = (id: string, ...values: readonly Uint8Array[]): Buffer => sequence(oid(id), set(...values));

/** SET OF in the order of DER. */
const sorted = (values: readonly Buffer[]): Buffer[] => [...values].sort(Buffer.compare);

interface SignedInfo {
  readonly signature: Buffer;
  with(unsignedAttributes: readonly Buffer[]): Buffer;
}

function signerInfo(
  { certificate, privateKey }: Holder,
  digest: DigestName,
  contentType: string,
  content: Uint8Array,
  more: readonly Buffer[],
): SignedInfo {
  const attributes = sorted([
    attribute(ids.contentType, oid(contentType)),
    attribute(ids.messageDigest, octets(createHash(digest).update(content).digest())),
    ...more,
  ]);
  const signature = sign(digest, set(...attributes), privateKey);
  const keyType = privateKey.asymmetricKeyType;
  return {
    signature,
    with: (unsigned) =>
      sequence(
        integer(Buffer.from([1])),
        issuerAndSerialOf(certificate),
        digestAlgorithm(digest),
        context(0, Buffer.concat(attributes)),
        keyType === 'ec' ? signatureAlgorithmOf(keyType, digest) : algorithm('1.2.840.113549.1.1.1'),
        octets(signature),
        ...(unsigned.length === 0 ? [] : [context(1, Buffer.concat(sorted(unsigned)))]),
      ),
  };
}

interface SignedDataParts {
  readonly version: number;
  readonly digest: DigestName;
  readonly content: Buffer;
  readonly certificates: readonly Buffer[];
  readonly signer: Buffer;
}

const signedData = ({ version, digest, content, certificates, signer }: SignedDataParts): Buffer =>
  sequence(
    oid(ids.signedData),
    context(
      0,
      sequence(
        integer(Buffer.from([version])),
        set(digestAlgorithm(digest)),
        content,
        context(0, Buffer.concat(certificates)),
        set(signer),
      ),
    ),
  );

function countersignature(signature: Buffer, countersigner: Countersigner, digest: DigestName): Buffer {
  const { kind, authority, at, over = signature } = countersigner;
  if (kind === 'rfc3161') return attribute(ids.timestamp, timestampToken(over, countersigner, digest));
  const when = attribute(ids.signingTime, time(at));
  return attribute(ids.countersignature, signerInfo(authority, digest, ids.data, over, [when]).with([]));
}

/** TimeStampToken of RFC 3161. */
function timestampToken(over: Uint8Array, { authority, chain, at }: Countersigner, digest: DigestName): Buffer {
  const info = sequence(
    integer(Buffer.from([1])),
    oid(timestampPolicy),
    sequence(digestAlgorithm(digest), octets(createHash(digest).update(over).digest())),
    integer(randomBytes(8)),
    generalizedTime(at),
  );
  const own = octets(createHash('sha256').update(authority.certificate).digest());
  const signingCertificate = attribute(ids.signingCertificate, sequence(sequence(sequence(own))));
  const when = attribute(ids.signingTime, time(at));
  return signedData({
    version: 3,
    digest,
    content: sequence(oid(ids.tokenInfo), context(0, octets(info))),
    certificates: [authority.certificate, ...chain],
    signer: signerInfo(authority, digest, ids.tokenInfo, info, [signingCertificate, when]).with([]),
  });
}
