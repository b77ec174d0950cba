import * as z from 'zod/mini';
import { packageName } from '#shared/contract/rules.ts';
import { CliError } from '../cli-error.ts';

/** @throws CliError `usage` */
export function readPackageName(text: string): string {
  const name = text.trim();
  if (z.safeParse(packageName, name).success) return name;
  const expected = 'up to 64 lower-case letters, digits, ".", "_" and "-"';
  throw new CliError('usage', `not a name of a rule package: got ${JSON.stringify(text)}, expected ${expected}`);
}
