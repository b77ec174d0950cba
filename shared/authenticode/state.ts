/** Digest algorithms that a signature may use. */
export type DigestAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** Who signed, and who said when. */
interface SignerFacts {
  /** Distinguished name of the signer, `CN=…, O=…`. */
  readonly signer: string;
  /** Distinguished name of who issued the signer's certificate. */
  readonly issuer: string;
  /** SHA-256 of the signer's certificate, lower-case hex. */
  readonly thumbprint: string;
  /** Distinguished name of the trusted root that the chain ends at. */
  readonly root: string;
  /** Of the file. */
  readonly digestAlgorithm: DigestAlgorithm;
  /** Digest of the file as Authenticode computes it (not that of all its bytes), lower-case hex. */
  readonly digest: string;
  /** When an authority countersigned, ISO 8601; absent without a countersignature. */
  readonly countersignedAt?: string;
  /** Distinguished name of who countersigned; absent without a countersignature. */
  readonly countersigner?: string;
}

/**
 * What is known of a cabinet's signature.
 *
 * - `unsigned`: a cabinet without a signature.
 * - `malformed`: no cabinet, or its signature or what surrounds it cannot be read; nothing is known of the signer.
 * - `digest-mismatch`: the signature is of other bytes: the file was changed. `expected` is what was signed.
 * - `untrusted`: the signature does not hold, or its chain does not lead to a trusted root by certificates that may
 *   sign code.
 * - `expired`: all of it holds, but a certificate is not valid now, and no countersignature says that it was signed
 *   in time.
 * - `old-algorithm`: it rests on a digest that is no longer safe (SHA-1, MD5) and that the policy does not accept.
 * - `valid`: Microsoft, or who else owns a trusted root, signed these bytes.
 */
export type SignatureState =
  | { readonly state: 'unsigned' }
  | { readonly state: 'malformed'; readonly reason: string }
  | {
      readonly state: 'digest-mismatch';
      readonly digestAlgorithm: DigestAlgorithm;
      readonly expected: string;
      readonly actual: string;
    }
  | { readonly state: 'untrusted'; readonly reason: string; readonly signer: string }
  | { readonly state: 'expired'; readonly reason: string; readonly signer: string }
  | { readonly state: 'old-algorithm'; readonly reason: string }
  | ({ readonly state: 'valid' } & SignerFacts);

/** The state in one line for people, for instance `untrusted: … (signed by CN=…)`. */
export function describeSignature(state: SignatureState): string {
  switch (state.state) {
    case 'unsigned':
      return 'unsigned: the cabinet carries no signature';
    case 'malformed':
      return `malformed: ${state.reason}`;
    case 'digest-mismatch':
      return `changed after signing: its ${state.digestAlgorithm} is ${state.actual}, signed was ${state.expected}`;
    case 'untrusted':
    case 'expired':
      return `${state.state}: ${state.reason} (signed by ${state.signer})`;
    case 'old-algorithm':
      return `old algorithm: ${state.reason}`;
    case 'valid': {
      const when = state.countersignedAt === undefined ? 'not countersigned' : `countersigned ${state.countersignedAt}`;
      return `valid: signed by ${state.signer}, issued by ${state.issuer}, ${when}, ${state.digestAlgorithm}`;
    }
  }
}
