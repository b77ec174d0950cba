import { createHash } from 'node:crypto';
import { GeneralizedTime, UTCTime } from 'asn1js';
import { TSTInfo } from 'pkijs';
import { digestAlgorithm } from './algorithms.ts';
import type { Certificate } from './certificates.ts';
import { followChain } from './chain.ts';
import { AuthenticodeError } from './error.ts';
import { octetsOf, readSignedMessage, readSignerInfo, type SignedMessage, verifySigner } from './signed-message.ts';

/** That an authority saw a signature, and when. */
export interface Countersignature {
  readonly at: Date;
  readonly by: Certificate;
}

/** Whom countersignatures may come from. */
export interface CountersignatureTrust {
  readonly roots: readonly Certificate[];
  readonly allowSha1: boolean;
}

/** Attribute of PKCS #9 (RFC 2985), used by Authenticode until 2020. */
const legacyId = '1.2.840.113549.1.9.6';
/** Microsoft's attribute with a token of RFC 3161. */
const tokenId = '1.3.6.1.4.1.311.3.3.1';
const signingTimeId = '1.2.840.113549.1.9.5';
const dataId = '1.2.840.113549.1.7.1';
const tokenContentId = '1.2.840.113549.1.9.16.1.4';

/**
 * The countersignature of a signature: the first that holds; undefined when there is none at all. The authority's own
 * certificates are judged at the time that it states, as Windows does: they end long before the signed file does.
 * @throws AuthenticodeError why the first one does not hold, when none does
 */
export function countersignatureOf(
  { signer, certificates }: SignedMessage,
  trust: CountersignatureTrust,
): Countersignature | undefined {
  const checks = [
    ...(signer.unsignedAttributes.get(tokenId) ?? []).map((value) => () => {
      const message = readSignedMessage(value, 'its time stamp');
      return checkToken(message, signer.signature, [...message.certificates, ...certificates], trust);
    }),
    ...(signer.unsignedAttributes.get(legacyId) ?? []).map((value) => () => {
      const counter = readSignerInfo(value, 'its countersignature');
      return checkLegacy(counter, signer.signature, certificates, trust);
    }),
  ];
  let first: AuthenticodeError | undefined;
  for (const check of checks) {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof AuthenticodeError)) throw error;
      first ??= error;
    }
  }
  if (first !== undefined) throw first;
  return undefined;
}

/** The signer of a PKCS #9 countersignature signs the bytes of the first signature. */
function checkLegacy(
  counter: ReturnType<typeof readSignerInfo>,
  signature: Buffer,
  certificates: readonly Certificate[],
  trust: CountersignatureTrust,
): Countersignature {
  const what = 'its countersignature';
  const by = verifySigner(counter, { contentType: dataId, bytes: signature }, certificates, trust.allowSha1, what);
  const [time, ...more] = counter.signedAttributes.values.get(signingTimeId) ?? [];
  if (!(time instanceof UTCTime || time instanceof GeneralizedTime) || more.length > 0) {
    throw new AuthenticodeError('malformed', `${what} does not say when it was made`);
  }
  return { at: checkedTime(time.toDate(), by, certificates, trust, what), by };
}

/** A time-stamping authority signs a TSTInfo, which has the digest of the first signature and the time. */
function checkToken(
  message: SignedMessage,
  signature: Buffer,
  certificates: readonly Certificate[],
  trust: CountersignatureTrust,
): Countersignature {
  const what = 'its time stamp';
  if (message.contentType !== tokenContentId)
    throw new AuthenticodeError('malformed', `${what} is no token of RFC 3161`);
  const bytes = octetsOf(message.body, what);
  const by = verifySigner(message.signer, { contentType: tokenContentId, bytes }, certificates, trust.allowSha1, what);
  let info: TSTInfo;
  try {
    info = TSTInfo.fromBER(new Uint8Array(bytes));
  } catch (cause) {
    throw new AuthenticodeError('malformed', `${what} cannot be read`, { cause });
  }
  const { hashAlgorithm, hashedMessage } = info.messageImprint;
  const algorithm = digestAlgorithm(hashAlgorithm.algorithmId, what, trust.allowSha1);
  const seen = Buffer.from(hashedMessage.valueBlock.valueHexView);
  if (!seen.equals(createHash(algorithm).update(signature).digest())) {
    throw new AuthenticodeError('untrusted', `${what} is of another signature`);
  }
  return { at: checkedTime(info.genTime, by, certificates, trust, what), by };
}

function checkedTime(
  at: Date,
  leaf: Certificate,
  others: readonly Certificate[],
  { roots, allowSha1 }: CountersignatureTrust,
  what: string,
): Date {
  if (Number.isNaN(at.getTime())) throw new AuthenticodeError('malformed', `${what} states an impossible time`);
  followChain({ leaf, others, roots, at, when: 'the time it states', purpose: 'timeStamping', allowSha1 });
  return at;
}
