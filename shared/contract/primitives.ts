import * as z from 'zod/mini';

/** The spellings every shape of the contract shares. Sources of the bounds: keys of DynamoDB, sizes of real index fields. */
export const guid = z.string().check(z.regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/));
/** SHA-1, lower-case hex. */
export const sha1 = z.string().check(z.regex(/^[0-9a-f]{40}$/));
/** SHA-256, lower-case hex. */
export const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/));
/** KB number without "KB". */
export const kbNumber = z.string().check(z.regex(/^[0-9]{5,8}$/));
export const timestamp = z.iso.datetime();
/** A calendar month of UTC. */
export const month = z.string().check(z.regex(/^[0-9]{4}-(0[1-9]|1[0-2])$/, 'must be a month, such as 2026-11'));
export const byteCount = z.int().check(z.nonnegative());
export const severity = z.enum(['Critical', 'Important', 'Moderate', 'Low']);
/** Text for people; bounded, so that no stored item can grow without limit. */
export const shortText = z.string().check(z.maxLength(1024));
/** The same where it goes into a row as it is: JSON can carry half a surrogate pair, and DynamoDB refuses it. */
export const storedText = shortText.check(
  z.refine((text) => text.isWellFormed(), 'must be Unicode, without half surrogate pairs'),
);
export const identity = z.object({ updateId: guid, revision: z.int().check(z.nonnegative()) });
/** Identity of a host: what its agent made at first start. */
export const machineId = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/));
