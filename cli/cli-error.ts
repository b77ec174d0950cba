import { type ExitCode, exitCodes } from './io.ts';

export type CliErrorCode =
  | 'usage'
  | 'unreachable'
  | 'unauthenticated'
  | 'not-found'
  | 'conflict'
  | 'refused'
  | 'bad-answer';

const exitCodeOf: Readonly<Record<CliErrorCode, ExitCode>> = {
  usage: exitCodes.usage,
  unreachable: exitCodes.unreachable,
  unauthenticated: exitCodes.unreachable,
  'not-found': exitCodes.failed,
  conflict: exitCodes.failed,
  refused: exitCodes.failed,
  'bad-answer': exitCodes.failed,
};

/** What the command line tells its user in one line, and the exit code that goes with it. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get exitCode(): ExitCode {
    return exitCodeOf[this.code];
  }
}
