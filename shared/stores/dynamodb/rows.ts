import * as z from 'zod/mini';
import { inOneLine, parseInWords } from '../../contract/parse.ts';
import { StoreError } from '../store-error.ts';
import type { Item } from './batches.ts';

/** Rows of a page: what parses, and the keys of what does not. */
export function parseRows<S extends z.ZodMiniType>(
  schema: S,
  keyName: string,
  items: readonly Item[],
): { readonly rows: z.output<S>[]; readonly unreadable: string[] } {
  const rows: z.output<S>[] = [];
  const unreadable: string[] = [];
  for (const item of items) {
    const parsed = z.safeParse(schema, item);
    if (parsed.success) rows.push(parsed.data);
    else unreadable.push(String(item[keyName]));
  }
  return { rows, unreadable };
}

/**
 * All rows, or none: for answers that cannot say which row they lack.
 * @throws StoreError `corrupt` that names the rows and what is wrong with the first
 */
export function parseAll<S extends z.ZodMiniType>(
  schema: S,
  keyName: string,
  table: string,
  items: readonly Item[],
): z.output<S>[] {
  const { rows, unreadable } = parseRows(schema, keyName, items);
  if (unreadable.length === 0) return rows;
  const first = parseInWords(
    schema,
    items.find((item) => String(item[keyName]) === unreadable[0]),
  );
  const why = first.success ? 'it parses now' : inOneLine(first.faults);
  const names = unreadable.slice(0, 10).join(', ');
  throw new StoreError('corrupt', `${unreadable.length} rows of ${table} do not parse (${names}): ${why}`);
}
