import * as z from 'zod/mini';

/** Problem document (RFC 9457) with a stable `code`; `detail` says what was got and what is allowed. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum([
    'unauthenticated',
    'forbidden',
    'not-found',
    'bad-request',
    'too-large',
    'conflict',
    'unsupported-version',
    'unavailable',
    'internal',
  ]),
  detail: z.string(),
});
export type Problem = z.infer<typeof problem>;
export type ProblemCode = Problem['code'];
