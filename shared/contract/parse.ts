import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';

/** What a value did not fit, in words. */
export type Parsed<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly faults: readonly string[]; readonly error: z.core.$ZodError };

export interface ParseOptions {
  /** False: the faults do not quote the value, because it may be a secret. @default true */
  readonly quote?: boolean;
}

const words = en().localeError;
const maxQuoted = 80;

/**
 * Parses, and says in words what was allowed and what was got: one line per fault, `path: what is allowed (got …)`.
 * zod/mini itself carries no texts, and would only say "Invalid input".
 */
export function parseInWords<S extends z.ZodMiniType>(
  schema: S,
  value: unknown,
  { quote = true }: ParseOptions = {},
): Parsed<z.output<S>> {
  const parsed = z.safeParse(schema, value, { error: words, reportInput: quote });
  if (parsed.success) return parsed;
  const faults = parsed.error.issues.map(({ path, message, input }) => {
    const got = quote ? quoted(input) : undefined;
    return `${path.length === 0 ? 'value' : path.join('.')}: ${message}${got === undefined ? '' : ` (got ${got})`}`;
  });
  return { success: false, faults, error: parsed.error };
}

/** Simple values only: an object in a message helps nobody. */
function quoted(input: unknown): string | undefined {
  if (typeof input !== 'string' && typeof input !== 'number' && typeof input !== 'boolean') return undefined;
  // The faults of a request are logged: a token that is nearly right, say with a space behind it, holds the right secret.
  const text = JSON.stringify(input).replace(/kbt1_[^"]*/, 'kbt1_…');
  return text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text;
}

/** Faults in one line, the first ten of them. */
export function inOneLine(faults: readonly string[]): string {
  const more = faults.length > 10 ? `; and ${faults.length - 10} more` : '';
  return `${faults.slice(0, 10).join('; ')}${more}`;
}
