import type * as z from 'zod/mini';
import { parseInWords } from '../contract/parse.ts';

/** The environment does not fit the function's schema. The message lists every fault. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
  readonly code = 'bad-environment';
}

/**
 * The function's environment, parsed once in its composition root. The only place that reads `process.env`.
 *
 * @throws EnvironmentError that names all missing and wrong variables together; values are not in it, because a
 *   variable may carry a secret
 */
export function parseEnv<S extends z.ZodMiniType>(
  schema: S,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): z.output<S> {
  const parsed = parseInWords(schema, environment, { quote: false });
  if (parsed.success) return parsed.data;
  throw new EnvironmentError(`the environment does not fit:\n${parsed.faults.join('\n')}`);
}
