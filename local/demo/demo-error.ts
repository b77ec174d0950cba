export type DemoErrorCode =
  | 'usage'
  | 'not-our-folder'
  | 'data-in-use'
  | 'other-world'
  | 'synthesis-failed'
  | 'api'
  | 'function-failed'
  | 'stopped';

/** Why the demonstration could not go on, in words for the person at the terminal. */
export class DemoError extends Error {
  readonly code: DemoErrorCode;

  constructor(code: DemoErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'DemoError';
    this.code = code;
  }
}
