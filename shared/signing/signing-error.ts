/**
 * A key that cannot sign. `not-found`: there is no such key; `bad-key`: it is damaged, of another kind, or others may read
 * it; `refused`: whoever holds it does not let us; `unavailable`: it may work a moment later.
 */
export class SigningError extends Error {
  override readonly name = 'SigningError';
  readonly code: 'not-found' | 'bad-key' | 'refused' | 'unavailable';
  constructor(code: SigningError['code'], message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
  get retryable(): boolean {
    return this.code === 'unavailable';
  }
}
