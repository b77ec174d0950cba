import type { HostPublicKey, ProofClaims } from '#shared/contract/agent/identity.ts';

/** Key pair of this host. The private half never leaves the port: whoever holds it only ever gets signatures. */
export interface HostKey {
  readonly publicKey: HostPublicKey;
  /** RFC 7638, base64url. */
  readonly thumbprint: string;
  /**
   * A JWT of these claims as they are, ES256, in the compact form.
   *
   * @throws AgentError `bad-key` when the key store does not sign
   */
  sign(claims: ProofClaims): Promise<string>;
}

/**
 * Keys of this host, named by their thumbprints; usually one, and two while a new one is being enrolled. Every call
 * throws AgentError: `bad-key` for a key that others may have read or that is damaged, `disk`.
 */
export interface KeyStore {
  list(): Promise<readonly string[]>;
  /** `undefined` when there is no such key. */
  open(thumbprint: string): Promise<HostKey | undefined>;
  /** Makes a key on P-256; it is kept before it is given. */
  create(): Promise<HostKey>;
  /** Removing one that is not there changes nothing. */
  remove(thumbprint: string): Promise<void>;
}

/** Sequence numbers of requests. Every call throws AgentError `disk`. */
export interface SequenceNumbers {
  /** Greater than all that were given before, also by a process that died since. */
  next(): Promise<number>;
  /** The broker saw this number already: what is given from now on is greater. */
  goOnAfter(last: number): Promise<void>;
}
