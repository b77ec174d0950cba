/**
 * What is wrong with the settings of a check, or with a signature.
 *
 * - `bad-roots`: the text with trusted roots holds no certificate, or something that is none. It is the only one that
 *   leaves this room: what is wrong with a file is told by a `SignatureState`.
 * - `malformed`, `untrusted`, `expired`, `old-algorithm`: as the states of that name.
 */
export type AuthenticodeErrorCode = 'bad-roots' | 'malformed' | 'untrusted' | 'expired' | 'old-algorithm';

/** The one error of this room. */
export class AuthenticodeError extends Error {
  override readonly name = 'AuthenticodeError';
  readonly code: AuthenticodeErrorCode;

  constructor(code: AuthenticodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
