import * as z from 'zod/mini';
import { customRef } from '#shared/contract/packages.ts';
import { CliError } from '../cli-error.ts';

/** `NAME/VERSION`. @throws CliError `usage` */
export function readPackageRef(text: string): { readonly name: string; readonly packageVersion: string } {
  const trimmed = text.trim();
  const [name = '', packageVersion = ''] = trimmed.split('/');
  if (z.safeParse(customRef, trimmed).success) return { name, packageVersion };
  throw new CliError(
    'usage',
    `not a package: got ${JSON.stringify(text)}, expected NAME/VERSION as "kbroker packages list" shows it`,
  );
}
