/**
 * Why a file was not taken into the repository.
 *
 * - `not-in-catalogue`, `no-address`: the index does not say where it is.
 * - `wrong-length`, `wrong-bytes`: what came is not what the index describes.
 * - `changing`: it changed under the copy, again and again.
 * - `taken-over`: another delivery works on it by now.
 * - `fruitless`: deliveries of it ended again and again without adding anything, and without saying why.
 */
export type FetchErrorCode =
  | 'not-in-catalogue'
  | 'no-address'
  | 'wrong-length'
  | 'wrong-bytes'
  | 'changing'
  | 'taken-over'
  | 'fruitless';

export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly code: FetchErrorCode;

  constructor(code: FetchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
