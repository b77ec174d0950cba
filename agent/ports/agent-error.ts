import type { ProblemCode } from '#shared/contract/problem.ts';

/**
 * What can go wrong in the agent.
 *
 * - `unreachable`, `timeout`: no connection or no answer in time.
 * - `proxy`: the proxy does not let this agent through.
 * - `unavailable`: the server says "later" (429, 5xx).
 * - `refused`: the server does not let this agent in (401, 403).
 * - `revoked`: the broker does not let the key of this host in any more.
 * - `cloned`: the key belongs to another machine: this one is a copy of it.
 * - `taken`: the machine is enrolled with another key, and the token may not replace it.
 * - `not-enrolled`: this data folder has no enrolment.
 * - `bad-key`: the host's key is damaged, or others may have read it.
 * - `unknown-base`: the broker does not have the report that changes are to.
 * - `rejected`: the server does not accept what was sent (other 4xx).
 * - `not-found`: the repository has no such object.
 * - `forbidden-host`: an address that is none of Microsoft's download hosts; it is not contacted.
 * - `bad-answer`: an answer that is not of the agreed shape.
 * - `cut`: a body ended before its announced length.
 * - `too-long`: a body is longer than it may be.
 * - `damaged`: bytes do not have the promised length or digest.
 * - `untrusted`: the signed repository is refused, or no root of one is pinned here.
 * - `bad-signature`: the index is not signed by whom this agent trusts.
 * - `disk`: the local disk failed.
 * - `no-space`: the local disk has no room.
 * - `busy`: another run of the agent is applying.
 * - `nothing-stored`: a phase was left out and no earlier run stored its result.
 * - `scan-failed`: the Windows Update Agent could not scan.
 * - `bad-config`: settings or a host file that are not usable.
 * - `stopped`: somebody asked the agent to stop; what was begun is resumed next time.
 */
export type AgentErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'proxy'
  | 'unavailable'
  | 'refused'
  | 'revoked'
  | 'cloned'
  | 'taken'
  | 'not-enrolled'
  | 'bad-key'
  | 'unknown-base'
  | 'rejected'
  | 'not-found'
  | 'forbidden-host'
  | 'bad-answer'
  | 'cut'
  | 'too-long'
  | 'damaged'
  | 'untrusted'
  | 'bad-signature'
  | 'disk'
  | 'no-space'
  | 'busy'
  | 'nothing-stored'
  | 'scan-failed'
  | 'bad-config'
  | 'stopped';

/** Codes where the same attempt may succeed a moment later. */
const retryable: ReadonlySet<AgentErrorCode> = new Set(['unreachable', 'timeout', 'unavailable', 'cut']);

/** Codes with which the broker ends all talk with this host until somebody enrols it anew. */
export const endsTalk: ReadonlySet<AgentErrorCode> = new Set(['revoked', 'cloned', 'bad-key']);

/** Codes that say, of the pull or the scan, that the index which the repository offers is of no use to this agent. */
export const uselessIndex: ReadonlySet<AgentErrorCode> = new Set([
  'bad-answer',
  'too-long',
  'damaged',
  'bad-signature',
  'no-space',
  'scan-failed',
]);

/** The one error of the agent. Whether it is worth another try is decided here, once. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentErrorCode;
  /** What the server asked for in `Retry-After`. Seconds. */
  readonly retryAfterSeconds: number | undefined;
  /** Code of the broker's problem document, when there was one. */
  readonly problem: ProblemCode | undefined;

  constructor(
    code: AgentErrorCode,
    message: string,
    options: {
      readonly cause?: unknown;
      readonly retryAfterSeconds?: number | undefined;
      readonly problem?: ProblemCode | undefined;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.problem = options.problem;
  }

  get retryable(): boolean {
    return retryable.has(this.code);
  }
}
