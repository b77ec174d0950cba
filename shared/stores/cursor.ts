import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import type { CursorCodec } from './page.ts';
import { StoreError } from './store-error.ts';

/** Packs where a list goes on into an opaque word that fits into a query string. */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/**
 * Unpacks what {@link encodeCursor} made. Callers can send anything, so the content is parsed by the list's schema.
 * @throws StoreError `refused` when it is not a cursor of this list
 */
export function decodeCursor<S extends z.ZodMiniType>(schema: S, cursor: string): z.output<S> {
  let position: unknown;
  try {
    position = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    // Not JSON: the schema below refuses undefined like any other wrong content.
  }
  const parsed = z.safeParse(schema, position);
  if (!parsed.success) throw notOfThisList();
  return parsed.data;
}

const notOfThisList = (): StoreError =>
  new StoreError('refused', 'the cursor is not one that this list gave out (with the same filter)');

/** Bytes of HMAC-SHA-256 that a cursor carries; RFC 2104 asks for half of the digest at least. */
const tagBytes = 16;

/**
 * Cursors signed with HMAC-SHA-256. Whoever has the key can make them, so it stays with the function that answers lists.
 *
 * @param key read once, at the first cursor; when that fails, again at the next
 */
export function signedCursors(key: () => Promise<string>): CursorCodec {
  let kept: Promise<string> | undefined;
  const keyOnce = (): Promise<string> => {
    kept ??= key().catch((error: unknown) => {
      kept = undefined;
      throw error;
    });
    return kept;
  };
  const tagOf = async (list: string, position: string): Promise<Buffer> =>
    createHmac('sha256', await keyOnce())
      .update(JSON.stringify([list, position]))
      .digest()
      .subarray(0, tagBytes);
  return {
    seal: async (list, position) =>
      Buffer.concat([await tagOf(list, position), Buffer.from(position)]).toString('base64url'),
    async open(list, cursor) {
      const bytes = Buffer.from(cursor, 'base64url');
      const position = bytes.subarray(tagBytes).toString();
      const tag = await tagOf(list, position);
      if (bytes.byteLength < tagBytes || !timingSafeEqual(bytes.subarray(0, tagBytes), tag)) throw notOfThisList();
      return position;
    },
  };
}
