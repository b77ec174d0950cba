import { type BaseBlock, OctetString } from 'asn1js';
import { digestAlgorithm } from './algorithms.ts';
import { content, isTagged, parts, readAsn1 } from './asn1.ts';
import { type Certificate, readCertificate } from './certificates.ts';
import { followChain } from './chain.ts';
import { type Countersignature, countersignatureOf } from './countersignature.ts';
import { AuthenticodeError } from './error.ts';
import { checkOwner } from './owner.ts';
import type { TrustPolicy } from './policy.ts';
import { readSignedMessage, type SignedMessage, verifySigner } from './signed-message.ts';
import type { SignatureState } from './state.ts';

/** Digests of the signed part of a file, lower-case hex. */
export interface FileDigests {
  readonly sha256: string;
  /** Absent when the policy does not accept it anyway. */
  readonly sha1: string | undefined;
}

/** SpcIndirectDataContent of Microsoft's "Windows Authenticode Portable Executable Signature Format" (2008). */
const indirectDataId = '1.3.6.1.4.1.311.2.1.4';
/** SPC_CAB_DATA_OBJID of Microsoft's wintrust.h: what signtool and osslsigncode write for a cabinet. */
const cabinetDataId = '1.3.6.1.4.1.311.2.1.25';
/** SPC_LINK_OBJID of wintrust.h, which in itself may lead to anything. */
const linkId = '1.3.6.1.4.1.311.2.1.28';
/**
 * Class of the serialized object that the link leads to in cabinets that Microsoft signs itself (its .msu and
 * WSUSSCAN.cab of 2015). What the object says, another digest, is not looked at.
 */
const linkedClass = 'a6b586d5b4a12466ae05a217da8e60d6';
/** Microsoft's attribute for further signatures, such as a SHA-256 one beside one by SHA-1. */
const nestedId = '1.3.6.1.4.1.311.2.4.1';
const maxNested = 4;
/** Signatures are padded to a multiple of so many bytes. */
const padding = 8;

/**
 * Judges the signature of a file.
 * @param signature the bytes after the cabinet
 */
export function verifySignature(
  signature: Uint8Array,
  digests: FileDigests,
  policy: TrustPolicy,
  now: Date,
): SignatureState {
  try {
    const { block, length } = readAsn1(signature, 'the signature');
    const rest = signature.subarray(length);
    if (rest.length >= padding || rest.some((byte) => byte !== 0)) {
      return { state: 'malformed', reason: `${rest.length} bytes follow the signature that belong to nothing` };
    }
    const roots = policy.roots.map(readRoot);
    const primary = readSignedMessage(block, 'the signature');
    // The newer algorithms first: a file signed twice is as good as its better signature.
    const strict = firstValid(primary, (message) => judge(message, digests, { roots, allowSha1: false }, now));
    if (strict.state === 'valid' || !policy.allowSha1) return strict;
    return firstValid(primary, (message) => judge(message, digests, { roots, allowSha1: true }, now));
  } catch (error) {
    return stateOf(error, 'unknown');
  }
}

/** @throws AuthenticodeError `bad-roots` */
function readRoot(der: Uint8Array): Certificate {
  try {
    return readCertificate(der);
  } catch (cause) {
    throw new AuthenticodeError('bad-roots', 'a trusted root cannot be read; allowed are X.509 certificates', {
      cause,
    });
  }
}

/** The state of the signature or of one nested in it; when none is valid, of the first that is not just too old. */
function firstValid(primary: SignedMessage, judgeOne: (message: SignedMessage) => SignatureState): SignatureState {
  let told = judgeOne(primary);
  const nested = primary.signer.unsignedAttributes.get(nestedId) ?? [];
  for (const value of nested.slice(0, maxNested)) {
    if (told.state === 'valid') break;
    const state = nestedState(value, judgeOne);
    if (state.state === 'valid' || told.state === 'old-algorithm') told = state;
  }
  return told;
}

function nestedState(value: BaseBlock, judgeOne: (message: SignedMessage) => SignatureState): SignatureState {
  try {
    return judgeOne(readSignedMessage(value, 'the nested signature'));
  } catch (error) {
    return stateOf(error, 'unknown');
  }
}

function stateOf(error: unknown, signer: string): SignatureState {
  if (error instanceof AuthenticodeError) {
    const reason = error.message;
    switch (error.code) {
      case 'untrusted':
      case 'expired':
        return { state: error.code, reason, signer };
      case 'malformed':
      case 'old-algorithm':
        return { state: error.code, reason };
      case 'bad-roots':
        throw error;
    }
  }
  throw error;
}

interface Trust {
  readonly roots: readonly Certificate[];
  readonly allowSha1: boolean;
}

function judge(message: SignedMessage, digests: FileDigests, trust: Trust, now: Date): SignatureState {
  let signerName = 'unknown';
  try {
    const claim = readClaim(message, trust.allowSha1);
    const actual = digests[claim.algorithm];
    if (actual === undefined) throw new Error(`the ${claim.algorithm} of the file was not computed`);
    if (actual !== claim.digest) {
      return { state: 'digest-mismatch', digestAlgorithm: claim.algorithm, expected: claim.digest, actual };
    }
    const bytes = content(message.body, 'the signature');
    const signed = { contentType: indirectDataId, bytes };
    const leaf = verifySigner(message.signer, signed, message.certificates, trust.allowSha1, 'the signature');
    signerName = leaf.subject;
    const countersignature = countersignatureOf(message, trust);
    const chain = followChain({
      leaf,
      others: message.certificates,
      ...trust,
      ...timeOf(countersignature, now),
      purpose: 'codeSigning',
    });
    const root = chain.at(-1) ?? leaf;
    checkOwner(leaf, root);
    return {
      state: 'valid',
      signer: leaf.subject,
      issuer: nameOfIssuer(chain),
      thumbprint: leaf.x509.fingerprint256.replaceAll(':', '').toLowerCase(),
      root: root.subject,
      digestAlgorithm: claim.algorithm,
      digest: claim.digest,
      ...(countersignature === undefined
        ? {}
        : { countersignedAt: countersignature.at.toISOString(), countersigner: countersignature.by.subject }),
    };
  } catch (error) {
    return stateOf(error, signerName);
  }
}

const timeOf = (countersignature: Countersignature | undefined, now: Date): { at: Date; when: string } =>
  countersignature === undefined
    ? { at: now, when: 'now, as it is not countersigned' }
    : { at: countersignature.at, when: 'when it was countersigned' };

/** The leaf's own name when it is the root itself. */
const nameOfIssuer = (chain: readonly Certificate[]): string => (chain[1] ?? chain[0])?.subject ?? 'unknown';

/** What a signature says of a file. */
function readClaim(
  message: SignedMessage,
  allowSha1: boolean,
): { readonly algorithm: 'sha1' | 'sha256'; readonly digest: string } {
  const malformed = (reason: string): AuthenticodeError =>
    new AuthenticodeError('malformed', `the signature ${reason}`);
  if (message.contentType !== indirectDataId) throw malformed(`is of ${message.contentType}, not of a file`);
  const [data, digestInfo] = parts(message.body);
  const other = otherKind(data);
  if (other !== undefined) {
    throw malformed(
      `is that of another kind of file (${other}), allowed are cabinet data (${cabinetDataId}) and a link to an ` +
        `object of class ${linkedClass}`,
    );
  }
  const [algorithmId, digest] = parts(digestInfo);
  const [oid] = parts(algorithmId);
  if (oid === undefined || !(digest instanceof OctetString)) throw malformed('has no digest of the file');
  const algorithm = digestAlgorithm(oid.valueBlock.toString(), 'the digest of the file', allowSha1);
  if (algorithm !== 'sha256' && algorithm !== 'sha1') {
    throw malformed(`has the file's ${algorithm}, allowed are sha256 and, by setting, sha1`);
  }
  return { algorithm, digest: content(digest, 'the digest of the file').toString('hex') };
}

/**
 * Programs and scripts are not accepted: their digests are computed otherwise, so that the same bytes could be signed as
 * something else.
 *
 * @param data SpcAttributeTypeAndOptionalValue
 * @returns what is signed, in words, when it is not a cabinet
 */
function otherKind(data: BaseBlock | undefined): string | undefined {
  const [type, value] = parts(data);
  const kind = type?.valueBlock.toString() ?? '';
  if (kind === cabinetDataId) return undefined;
  if (kind !== linkId) return kind;
  // SpcLink: [0] a URL, [1] a serialized object, [2] a file.
  if (!isTagged(value, 1)) return 'a link to no object';
  const [classId] = parts(value);
  const bytes = classId instanceof OctetString ? content(classId, 'the class of the link').toString('hex') : '';
  return bytes === linkedClass ? undefined : `a link to an object of class ${bytes || 'unknown'}`;
}
