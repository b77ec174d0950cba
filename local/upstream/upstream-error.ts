export type UpstreamErrorCode = 'bad-state' | 'bad-request' | 'unusable-file' | 'cannot-listen' | 'nothing-published';

/** What can go wrong in the fake Microsoft itself (its faults on demand are not errors). */
export class UpstreamError extends Error {
  readonly code: UpstreamErrorCode;

  constructor(code: UpstreamErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'UpstreamError';
    this.code = code;
  }
}
