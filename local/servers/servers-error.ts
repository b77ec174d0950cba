export type ServersErrorCode =
  /** Another server works on the same data folder. */
  | 'data-in-use'
  /** There is no program for this operating system and processor. */
  | 'unsupported-platform'
  /** A program that a server needs did not start, or ended by itself. */
  | 'not-started';

/** A server of the embedded stack cannot run. Errors that a client gets are answers, not instances of this. */
export class ServersError extends Error {
  readonly code: ServersErrorCode;
  constructor(code: ServersErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ServersError';
    this.code = code;
  }
}
