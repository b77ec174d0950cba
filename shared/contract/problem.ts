import * as z from 'zod/mini';

/**
 * Problem document (RFC 9457) with a stable `code`; `detail` says what was got and what is allowed. The members after
 * `detail` are extensions that some codes carry.
 */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum([
    'unauthenticated',
    /** The proof of a request was made too long ago or in the future; `serverTime` says what time it is here. */
    'clock-skew',
    'forbidden',
    /** The host's key was revoked. */
    'revoked',
    /** The key belongs to a host with another machine id: a disk image was copied after its enrolment. */
    'cloned',
    'not-found',
    'bad-request',
    'too-large',
    'conflict',
    /** The sequence number of a request was used before; `lastSequence` is the last one that was. */
    'replayed',
    /** The changes in a report are to a report that the broker does not have: send the whole. */
    'unknown-base',
    /** The idempotency key was used for another request. */
    'idempotency-mismatch',
    'unsupported-version',
    /** Too many requests; `retryAfterSeconds` and the header Retry-After say when there is room again. */
    'throttled',
    'unavailable',
    'internal',
  ]),
  detail: z.string(),
  /** ISO 8601. */
  serverTime: z.optional(z.string()),
  lastSequence: z.optional(z.int()),
  retryAfterSeconds: z.optional(z.int()),
});
export type Problem = z.infer<typeof problem>;
export type ProblemCode = Problem['code'];
