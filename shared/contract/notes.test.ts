import { expect, it } from 'vitest';
import { newCommand } from './commands.ts';
import { parseInWords } from './parse.ts';
import { newToken } from './tokens.ts';

const target = (filter: object) => ({ kind: 'filter', filter });
const command = { version: 1, verb: 'scan', expiresInSeconds: 60, target: target({ name: 'pc' }) };
const token = { version: 1, group: 'pilots', uses: 1, expiresInSeconds: 60 };

/** JSON can carry half a surrogate pair; DynamoDB refuses the whole row for it. */
it.each([
  ['a note of a command', newCommand, { ...command, note: '\ud800' }, 'note'],
  ['a name in a filter', newCommand, { ...command, target: target({ name: 'pc \udc00' }) }, 'target.filter.name'],
  ['a system in a filter', newCommand, { ...command, target: target({ os: '\ud800' }) }, 'target.filter.os'],
  ['a note of a token', newToken, { ...token, note: 'half \ud83d' }, 'note'],
])('%s that is no Unicode is refused before anything is written', (_what, schema, wish, path) => {
  const parsed = parseInWords(schema, wish);
  expect(parsed.success ? [] : parsed.faults).toEqual([expect.stringContaining(`${path}: must be Unicode`)]);
  const whole = JSON.parse(JSON.stringify(wish).replaceAll(/\\ud[89c][0-9a-f]{2}/g, '\\ud83d\\ude00'));
  expect(parseInWords(schema, whole).success).toBe(true);
});
