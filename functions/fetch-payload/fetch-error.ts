/**
 * Why a file was not taken into the repository. `not-in-catalogue`, `no-address`: the index does not say where it is.
 * `wrong-length`, `wrong-bytes`: what came is not what the index describes.
 */
export type FetchErrorCode = 'not-in-catalogue' | 'no-address' | 'wrong-length' | 'wrong-bytes';

export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly code: FetchErrorCode;

  constructor(code: FetchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
