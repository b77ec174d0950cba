export type RuntimeErrorCode =
  /** The data folder belongs to another running stack. */
  | 'data-in-use'
  /** A role does not trust the service that wants to work with it. */
  | 'not-trusted'
  /** The template asks for something that does not fit together. */
  | 'bad-configuration'
  /** No such function, schedule or queue in this stack. */
  | 'unknown-resource'
  /** The stack has been closed. */
  | 'closed';

/** The runner cannot do what it was asked to. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: RuntimeErrorCode;

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
