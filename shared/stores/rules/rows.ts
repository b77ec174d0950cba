import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod/mini';
import { shortText, timestamp } from '../../contract/primitives.ts';
import { type RuleBook, type RulesDocument, ruleBook } from '../../contract/rules.ts';
import { StoreError } from '../store-error.ts';

const revision = z.int().check(z.positive());
const comment = z.optional(shortText);

/** Which revision is in force: small, because each function that keeps rules in memory reads it again and again. */
export const currentRulesRow = z.object({ version: z.literal(2), revision });
/** Who made a revision; beside its book, so that a list of many reads no book. */
export const rulesRevisionRow = z.object({
  version: z.literal(2),
  revision,
  changedAt: timestamp,
  changedBy: z.string(),
  comment,
});
/** One book. `body` is {@link ruleBook} as gzipped JSON. */
export const ruleBookRow = z.object({
  version: z.literal(2),
  revision,
  changedAt: timestamp,
  changedBy: z.optional(z.string()),
  comment,
  body: z.instanceof(Uint8Array),
});

/** What an administrator signed for a revision. `body` is a text, gzipped. */
export const rulesSignatureRow = z.object({
  version: z.literal(1),
  revision: z.int().check(z.nonnegative()),
  body: z.instanceof(Uint8Array),
});

/** Characters of signed metadata at most, as the contract has it. */
const maxSignedBytes = 512_000;

/** @throws StoreError `refused` when it is too large to be kept */
export function packSigned(signed: string): Uint8Array {
  const packed = gzipSync(signed);
  if (packed.byteLength > maxStoredBookBytes)
    throw new StoreError(
      'refused',
      `the signed rules have ${packed.byteLength} bytes gzipped, at most ${maxStoredBookBytes} are kept`,
    );
  return packed;
}

/** @throws StoreError `corrupt` */
export function unpackSigned({ revision: of, body }: { readonly revision: number; readonly body: Uint8Array }): string {
  try {
    return gunzipSync(body, { maxOutputLength: maxSignedBytes }).toString();
  } catch (cause) {
    throw new StoreError('corrupt', `the signed rules of revision ${of} cannot be read`, { cause });
  }
}

/**
 * Bytes of a book as JSON at most, counted as in the answer of a function, which carries its body as a text in JSON: each
 * quote takes two bytes there. A function of Lambda can answer with 6 MB
 * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and a book that neither people nor hosts can
 * get must not count.
 */
const maxBookBytes = 5 * 1024 * 1024;

/**
 * Bytes of a gzipped book at most. A DynamoDB item holds 400 KB, names included
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html); the rest is for what stands beside it.
 */
const maxStoredBookBytes = 390_000;

/** @throws StoreError `refused` when it is too large to be kept */
export function packBook(book: RuleBook): Uint8Array {
  const json = JSON.stringify(z.parse(ruleBook, book));
  const answered = Buffer.byteLength(JSON.stringify(json));
  if (answered > maxBookBytes)
    throw new StoreError('refused', `the rules have ${answered} bytes as JSON, at most ${maxBookBytes} are kept`);
  const packed = gzipSync(json);
  if (packed.byteLength > maxStoredBookBytes)
    throw new StoreError(
      'refused',
      `the rules have ${packed.byteLength} bytes gzipped, at most ${maxStoredBookBytes} are kept`,
    );
  return packed;
}

/** A stored book without its bytes. */
type About = Pick<RulesDocument, 'revision' | 'changedAt' | 'changedBy' | 'comment'>;

/** @throws StoreError `corrupt` */
export function unpackBook({ body, ...about }: About & { readonly body: Uint8Array }): RulesDocument {
  try {
    const json = gunzipSync(body, { maxOutputLength: maxBookBytes }).toString();
    return documentOf(about, z.parse(ruleBook, JSON.parse(json)));
  } catch (cause) {
    throw new StoreError('corrupt', `the stored rules of revision ${about.revision} do not parse`, { cause });
  }
}

export const documentOf = ({ revision, changedAt, changedBy, comment }: About, book: RuleBook): RulesDocument => ({
  version: 2,
  revision,
  ...(changedAt !== undefined && { changedAt }),
  ...(changedBy !== undefined && { changedBy }),
  ...(comment !== undefined && { comment }),
  book,
});
