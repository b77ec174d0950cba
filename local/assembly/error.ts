export type AssemblyErrorCode =
  /** The folder holds no cloud assembly that the runner can read. */
  | 'bad-assembly'
  /** A resource of a type that the runner does not model. */
  | 'unmodelled-resource'
  /** A property, or a value of it, that the runner does not model. */
  | 'unmodelled-property'
  /** An intrinsic function, a reference or an attribute that cannot be resolved. */
  | 'unresolved'
  /** A policy element that the evaluator does not model. */
  | 'unmodelled-policy';

/** The synthesized assembly cannot be run; the message names the resource and what is not understood. */
export class AssemblyError extends Error {
  override readonly name = 'AssemblyError';
  readonly code: AssemblyErrorCode;

  constructor(code: AssemblyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
