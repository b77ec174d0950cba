import { type Answer, header, type Validators, validatorsOf } from './answer.ts';

/** A piece of a file whose strong entity tag and length are known. */
export interface RangeRequest {
  readonly etag: string;
  /** Bytes of the whole file. */
  readonly length: number;
  /** First byte. */
  readonly from: number;
  /** The byte after the last one. */
  readonly to: number;
}

/** `bytes 0-99/1000` (RFC 9110, section 14.4). `undefined` when it is something else, or the length is not said. */
function contentRange(
  answer: Answer,
): { readonly from: number; readonly to: number; readonly length: number } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header(answer, 'content-range')?.trim() ?? '');
  if (match === null) return undefined;
  const [from, last, length] = match.slice(1).map(Number);
  if (from === undefined || last === undefined || length === undefined) return undefined;
  return { from, to: last + 1, length };
}

/**
 * What the answer with the first bytes says of the whole, and where it ends itself (`to`); `undefined` when it is not the
 * piece that was asked for, or other pieces could not be told to be of the same file.
 */
export function rangedOf(
  answer: Answer,
  firstBytes: number,
):
  | { readonly validators: Validators & { readonly etag: string }; readonly length: number; readonly to: number }
  | undefined {
  const { etag, lastModified } = validatorsOf(answer);
  const range = contentRange(answer);
  // A weak tag begins with W/.
  if (etag === undefined || !etag.startsWith('"') || range === undefined) return undefined;
  if (range.from !== 0 || range.to !== Math.min(firstBytes, range.length)) return undefined;
  return { validators: { etag, lastModified }, length: range.length, to: range.to };
}

/** Why an answer is not the piece that was asked for; `undefined` when it is. */
export function whyNotThatPiece(answer: Answer, { etag, length, from, to }: RangeRequest): string | undefined {
  if (answer.status === 412 || answer.status === 416)
    return `answered ${answer.status}: the file under the tag ${etag} is gone`;
  // The whole file instead of a piece: what RFC 9110 wants of an origin whose file is not the one that was asked for.
  if (answer.status === 200) return `answered with a whole file instead of bytes ${from}-${to - 1}`;
  const tag = header(answer, 'etag');
  if (tag !== etag) return `answered with the tag ${tag ?? '(none)'} instead of ${etag}`;
  const got = contentRange(answer);
  if (got?.from !== from || got.to !== to || got.length !== length)
    return `answered with the range ${header(answer, 'content-range') ?? '(none)'} instead of bytes ${from}-${to - 1}/${length}`;
  return undefined;
}
