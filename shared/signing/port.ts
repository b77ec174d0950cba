/** A private key on P-256 that signs, wherever it lies: a file, AWS KMS, later an administrator's browser. */
export interface Signer {
  /** The public half as PEM (SubjectPublicKeyInfo), with `\n` at each line's end and none after the last. */
  publicKey(): Promise<string>;
  /**
   * ECDSA with SHA-256 over these bytes (not over a digest that the caller made).
   *
   * @returns the signature as DER, as TUF wants it
   * @throws SigningError
   */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}
