/** Answers of Microsoft's hosts as bodies and pieces. */
import { type Answer, header, type Validators } from './answer.ts';
import { bodyOf, discard } from './body.ts';
import type { rangedOf } from './ranges.ts';
import { retryAfterSeconds } from './retry.ts';
import { UpstreamError } from './upstream-error.ts';

/** A body that is on its way. Whoever got it reads it or cancels it; a cancelled or failed one frees its connection. */
export interface Download {
  /** Bytes that the origin announced, when it did. */
  readonly length: number | undefined;
  /** Read once. @throws UpstreamError `cut`, `too-long`, `timeout`, `aborted` while reading */
  readonly body: AsyncIterable<Uint8Array>;
  cancel(): void;
}

/** A file that can be fetched piece by piece. */
export interface RangedIndex {
  readonly kind: 'ranged';
  readonly validators: Validators & { readonly etag: string };
  /** Of the whole. Bytes. */
  readonly length: number;
  /**
   * The first bytes: as many as were asked for, or all there are. Read once.
   *
   * @param into memory for them, as {@link readPiece} takes it
   * @throws UpstreamError as `body` does
   */
  first(into?: Uint8Array): Promise<Uint8Array>;
  cancel(): void;
}

/** How a piece is read. */
export interface PieceOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Memory for the piece, at least as long as it is. Whoever reads one piece after the other into the same saves more time
   * than the hashes take: pages of new memory are slow to come by. @default new memory
   */
  readonly into?: Uint8Array | undefined;
  /** Another address follows when this one fails, so that it need not be asked often. @default false */
  readonly hasFallback?: boolean;
}

/** All of a piece, in one buffer. @throws UpstreamError as a body does */
export async function readPiece(answer: Answer, length: number, options: PieceOptions): Promise<Uint8Array> {
  const { signal, into } = options;
  const piece = into?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length);
  let filled = 0;
  for await (const chunk of bodyOf(answer.body, { address: answer.url, length, maxBytes: length, signal })) {
    piece.set(chunk, filled);
    filled += chunk.byteLength;
  }
  return piece;
}

/** A file whose first piece is on its way. */
export function rangedIndex(
  answer: Answer,
  { validators, length, to }: NonNullable<ReturnType<typeof rangedOf>>,
  signal: AbortSignal | undefined,
): RangedIndex {
  return {
    kind: 'ranged',
    validators,
    length,
    first: (into) => readPiece(answer, to, { signal, into }),
    cancel: () => discard(answer.body),
  };
}

/** The body of an answer, held to its length. @throws UpstreamError `too-long` for one that announces more */
export function download(answer: Answer, maxBytes: number, signal: AbortSignal | undefined): Download {
  const announced = header(answer, 'content-length');
  const length = announced !== undefined && /^\d{1,15}$/.test(announced) ? Number(announced) : undefined;
  if (length !== undefined && length > maxBytes) {
    discard(answer.body);
    throw tooLong(answer, length, maxBytes);
  }
  return {
    length,
    body: bodyOf(answer.body, { address: answer.url, length, maxBytes, signal }),
    cancel: () => discard(answer.body),
  };
}

/** An answer that announces more than it may have. */
export const tooLong = (answer: Answer, length: number, maxBytes: number): UpstreamError =>
  new UpstreamError('too-long', `${answer.url.href} announces ${length} bytes, at most ${maxBytes} are allowed`);

/** An answer that makes no sense. */
export function unasked(answer: Answer): UpstreamError {
  return new UpstreamError('refused', `${answer.url.href} answered 304 to a request without conditions`, {
    status: answer.status,
  });
}

/** What a status says that is not taken. */
export function fromStatus(answer: Answer, now: number): UpstreamError {
  const { status } = answer;
  const message = `${answer.url.href} answered ${status}`;
  if (status === 404 || status === 410) return new UpstreamError('not-found', message, { status });
  if (status === 408 || status === 429 || status >= 500)
    return new UpstreamError('unavailable', message, {
      status,
      retryAfterSeconds: retryAfterSeconds(header(answer, 'retry-after'), now),
    });
  return new UpstreamError('refused', message, { status });
}
