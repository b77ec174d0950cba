import type { Readable } from 'node:stream';
import { fromBodyFailure } from './network-failure.ts';
import { UpstreamError } from './upstream-error.ts';

/** A body as undici hands it out. */
export type ResponseBody = Readable;

/** Ends a body that nobody will read, and frees its connection. */
export function discard(body: ResponseBody): void {
  body.destroy();
}

/**
 * The bytes of a body, checked against the length that the origin announced and the length that the caller allows.
 * Ending the iteration early frees the connection.
 */
export async function* bodyOf(
  body: ResponseBody,
  limits: {
    readonly address: URL;
    readonly length: number | undefined;
    readonly maxBytes: number;
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { address, length, maxBytes, signal } = limits;
  let bytes = 0;
  try {
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('the body is not a stream of bytes');
      bytes += chunk.byteLength;
      if (bytes > maxBytes)
        throw new UpstreamError('too-long', `${address.href} sent more than the ${maxBytes} bytes that are allowed`);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof TypeError) throw cause;
    throw fromBodyFailure(cause, address, signal);
  }
  if (length !== undefined && bytes < length)
    throw new UpstreamError('cut', `${address.href} announced ${length} bytes and sent ${bytes}`);
}
