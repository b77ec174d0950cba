/**
 * What can go wrong in the agent.
 *
 * - `unreachable`, `timeout`: no connection or no answer in time.
 * - `unavailable`: the server says "later" (429, 5xx).
 * - `refused`: the server does not let this agent in (401, 403).
 * - `rejected`: the server does not accept what was sent (other 4xx).
 * - `not-found`: the repository has no such object.
 * - `bad-answer`: an answer that is not of the agreed shape.
 * - `cut`: a body ended before its announced length.
 * - `too-long`: a body is longer than it may be.
 * - `damaged`: bytes do not have the promised length or digest.
 * - `bad-signature`: the index is not signed by whom this agent trusts.
 * - `disk`: the local disk failed or is full.
 * - `busy`: another run of the agent is applying.
 * - `nothing-stored`: a phase was left out and no earlier run stored its result.
 * - `scan-failed`: the Windows Update Agent could not scan.
 * - `bad-config`: settings or a host file that are not usable.
 * - `stopped`: somebody asked the agent to stop; what was begun is resumed next time.
 */
export type AgentErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'unavailable'
  | 'refused'
  | 'rejected'
  | 'not-found'
  | 'bad-answer'
  | 'cut'
  | 'too-long'
  | 'damaged'
  | 'bad-signature'
  | 'disk'
  | 'busy'
  | 'nothing-stored'
  | 'scan-failed'
  | 'bad-config'
  | 'stopped';

/** Codes where the same attempt may succeed a moment later. */
const retryable: ReadonlySet<AgentErrorCode> = new Set(['unreachable', 'timeout', 'unavailable', 'cut']);

/** Codes that say, of the pull or the scan, that the index which the repository offers is of no use to this agent. */
export const uselessIndex: ReadonlySet<AgentErrorCode> = new Set([
  'bad-answer',
  'too-long',
  'damaged',
  'bad-signature',
  'scan-failed',
]);

/** The one error of the agent. Whether it is worth another try is decided here, once. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentErrorCode;
  /** What the server asked for in `Retry-After`. Seconds. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: AgentErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly retryAfterSeconds?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get retryable(): boolean {
    return retryable.has(this.code);
  }
}
