/**
 * What is wrong with the settings of a check; what is wrong with a file is a `SignatureState`.
 *
 * - `bad-roots`: the text with trusted roots holds no certificate, or something that is none.
 */
export type AuthenticodeErrorCode = 'bad-roots';

/** The one error of this room. */
export class AuthenticodeError extends Error {
  override readonly name = 'AuthenticodeError';
  readonly code: AuthenticodeErrorCode;

  constructor(code: AuthenticodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
