import * as z from 'zod/mini';
import { decodeCursor, encodeCursor } from '#shared/stores/cursor.ts';
import type { Page } from '#shared/stores/page.ts';

/** A page of rows in the order given; the cursor names the list and the last key. */
export function pageOf<T>(
  rows: readonly T[],
  query: { readonly cursor?: string | undefined; readonly limit: number },
  keyOf: (row: T) => string,
  list: string,
): Page<T> {
  const position = z.object({ list: z.literal(list), after: z.string() });
  const after = query.cursor === undefined ? undefined : decodeCursor(position, query.cursor).after;
  const start = after === undefined ? 0 : rows.findIndex((row) => keyOf(row) === after) + 1;
  const items = rows.slice(start, start + query.limit);
  const last = items.at(-1);
  const more = start + query.limit < rows.length && last !== undefined;
  return { items, unreadable: [], ...(more && { next: encodeCursor({ list, after: keyOf(last) }) }) };
}
