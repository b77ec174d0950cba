import * as z from 'zod/mini';
import { groupName } from '#shared/contract/agent/identity.ts';
import { commandId } from '#shared/contract/commands.ts';
import { guid, kbNumber, machineId, sha1 } from '#shared/contract/primitives.ts';
import { tokenId } from '#shared/contract/tokens.ts';
import { CliError } from './cli-error.ts';

/** Digits as the index spells them: without leading zeros, of which five digits stay because less is no KB number. */
export const kbDigits = (text: string): string => text.replace(/^kb/i, '').replace(/^0+(?=\d{5})/, '');

/**
 * A KB number as the broker has it, from what a person writes: `KB5034441`, `kb5034441`, `5034441`.
 *
 * @throws CliError `usage`
 */
export function readKbNumber(text: string): string {
  const digits = kbDigits(text.trim());
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

/** @throws CliError `usage` */
export const readGroupName = (text: string): string =>
  readBy(groupName, text, 'a name of a group', 'up to 64 letters, digits, ".", "_" and "-"');

/** @throws CliError `usage` */
export const readCommandId = (text: string): string =>
  readBy(commandId, text, 'an id of a command', 'one that kbroker commands list shows');

/**
 * Id of an enrolment token. The whole token is refused, so that no secret goes where it is logged.
 *
 * @throws CliError `usage`, which does not repeat what was given
 */
export function readTokenId(text: string): string {
  const id = text.trim();
  if (z.safeParse(tokenId, id).success) return id;
  throw new CliError(
    'usage',
    'not an id of a token: expected 16 letters and digits, as kbroker tokens list shows them',
  );
}

/** SHA-1 in either case. @throws CliError `usage` */
export const readSha1 = (text: string): string =>
  readBy(sha1, text.toLowerCase(), 'a SHA-1', '40 hexadecimal digits, as kbroker requests list shows them');

function readBy(schema: z.ZodMiniType<string>, text: string, what: string, expected: string): string {
  const trimmed = text.trim();
  if (z.safeParse(schema, trimmed).success) return trimmed;
  throw notA(what, text, expected);
}

const notA = (what: string, got: string, expected: string): CliError =>
  new CliError('usage', `not ${what}: got ${JSON.stringify(got)}, expected ${expected}`);
