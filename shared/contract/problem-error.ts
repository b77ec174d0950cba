import type { Problem, ProblemCode } from './problem.ts';

/** Status and its phrase (RFC 9110) by code. */
const statuses: Readonly<Record<ProblemCode, readonly [status: number, phrase: string]>> = {
  unauthenticated: [401, 'Unauthorized'],
  'clock-skew': [401, 'Unauthorized'],
  forbidden: [403, 'Forbidden'],
  revoked: [403, 'Forbidden'],
  cloned: [403, 'Forbidden'],
  'not-found': [404, 'Not Found'],
  'bad-request': [400, 'Bad Request'],
  'too-large': [413, 'Content Too Large'],
  conflict: [409, 'Conflict'],
  replayed: [409, 'Conflict'],
  'unknown-base': [409, 'Conflict'],
  'idempotency-mismatch': [409, 'Conflict'],
  'unsupported-version': [400, 'Bad Request'],
  throttled: [429, 'Too Many Requests'],
  unavailable: [503, 'Service Unavailable'],
  internal: [500, 'Internal Server Error'],
};

export interface ProblemOptions extends ErrorOptions {
  /** Members of the document that go with some codes. */
  readonly more?: Pick<Problem, 'serverTime' | 'lastSequence' | 'retryAfterSeconds'>;
}

/** A refusal that a caller of the API gets to read. `message` becomes the `detail` of the problem document. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ProblemCode;
  readonly more: NonNullable<ProblemOptions['more']>;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options);
    this.code = code;
    this.more = options.more ?? {};
  }

  /** The document of RFC 9457. The type is `about:blank`, so the title is the status phrase; `code` says what it is. */
  toProblem(): Problem {
    const [status, title] = statuses[this.code];
    return { type: 'about:blank', title, status, code: this.code, detail: this.message, ...this.more };
  }
}
