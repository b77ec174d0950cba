import * as z from 'zod/mini';
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
  if (!parsed.success)
    throw new StoreError('refused', 'the cursor is not one that this list gave out (with the same filter)');
  return parsed.data;
}
