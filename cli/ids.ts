import * as z from 'zod/mini';
import { guid, kbNumber, machineId } from '#shared/contract/primitives.ts';
import { CliError } from './cli-error.ts';

/**
 * A KB number as the broker has it, from what a person writes: `KB5034441`, `kb5034441`, `5034441`.
 *
 * @throws CliError `usage`
 */
export function readKbNumber(text: string): string {
  const digits = text.trim().replace(/^kb/i, '');
  if (z.safeParse(kbNumber, digits).success) return digits;
  throw notA('a KB number', text, 'five to eight digits as in KB5034441');
}

/** An update, or one revision of it. */
export interface UpdateName {
  /** Lower case. */
  readonly updateId: string;
  readonly revision?: number;
}

/**
 * An UpdateId in either case, alone or with a revision as the commands print it: `<UpdateId>_200`.
 *
 * @throws CliError `usage`
 */
export function readUpdateName(text: string): UpdateName {
  const [id = '', revision, ...rest] = text.trim().toLowerCase().split('_');
  if (!z.safeParse(guid, id).success || rest.length > 0 || !/^\d{1,9}$/.test(revision ?? '0')) {
    const hint = /^\s*(kb)?\d{5,8}\s*$/i.test(text)
      ? '; KB numbers are for --kb, as in kbroker updates list --kb KB5034441'
      : '';
    throw notA(
      'an UpdateId',
      text,
      `one as in 2a9f0c1e-77aa-4b0f-8d53-0123456789ab, or with its revision as in …_200${hint}`,
    );
  }
  return revision === undefined ? { updateId: id } : { updateId: id, revision: Number(revision) };
}

/**
 * A machine id or a hostname: their letters are the same.
 *
 * @throws CliError `usage`
 */
export function readHostName(text: string): string {
  const name = text.trim();
  if (z.safeParse(machineId, name).success) return name;
  throw notA('a machine id or hostname', text, 'up to 64 letters, digits, ".", "_" and "-"');
}

const notA = (what: string, got: string, expected: string): CliError =>
  new CliError('usage', `not ${what}: got ${JSON.stringify(got)}, expected ${expected}`);
