import type { IncomingMessage } from 'node:http';

export type Body =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' }
  /** The sender went away in the middle: there is nobody to answer, and nothing that should be worked on. */
  | { readonly kind: 'broken' };

/**
 * Reads a body to its end, keeping no more than allowed. What is too large is read nevertheless: a connection that is
 * broken off while the other side still sends loses the answer, too.
 */
export async function readToEnd(request: IncomingMessage, maximumBytes: number): Promise<Body> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length <= maximumBytes) chunks.push(chunk);
      else chunks.length = 0;
    }
  } catch {
    // Node's only error here is that the connection broke.
    return { kind: 'broken' };
  }
  return length <= maximumBytes ? { kind: 'whole', bytes: Buffer.concat(chunks) } : { kind: 'too-large' };
}
