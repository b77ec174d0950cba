import type { Access } from '../access.ts';
import type { ProblemCode } from '../problem.ts';
import { ProblemError } from '../problem-error.ts';
import { allEndpoints } from './openapi.ts';

/** What each code tells the caller. */
const codeWords: Readonly<Record<ProblemCode, string>> = {
  unauthenticated: 'no token or proof, or one that is not good; the detail says what is wrong with it',
  'clock-skew': 'the proof was made more than 5 minutes ago or in the future; `serverTime` is the time here',
  forbidden: 'known, but not allowed to do this',
  revoked: "the host's key was revoked",
  cloned: 'the key belongs to another machine: a disk was copied after its enrolment',
  'not-found': 'there is no such thing',
  'bad-request': 'a parameter or the body is not what is allowed; the detail names each fault',
  'too-large': 'the body is larger than what is allowed, as sent or unpacked',
  conflict: 'somebody else was faster, or the same request is being answered right now; ask again and look',
  replayed: 'the sequence number of the proof was used before; `lastSequence` is the last one',
  'unknown-base': 'the changes are to a report that the broker does not have: send the whole',
  'idempotency-mismatch': 'the idempotency key was used for another request',
  'unsupported-version': 'the body has a `version` that this broker does not understand',
  throttled: 'too many requests; `retryAfterSeconds` and the header `Retry-After` say when there is room again',
  unavailable: 'something that the broker needs does not answer; the same request may be sent again',
  internal: 'the broker failed; its log says why',
};

const table = (headings: readonly string[], rows: readonly (readonly string[])[]): string =>
  [headings, headings.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Tables of docs/api.md, by the name of the mark that they stand after. */
const tables: Readonly<Record<string, () => string>> = {
  codes: () =>
    table(
      ['code', 'status', 'meaning'],
      Object.entries(codeWords).map(([code, words]) => [
        `\`${code}\``,
        String(new ProblemError(code as ProblemCode, '').toProblem().status),
        words,
      ]),
    ),
  'people-routes': () => routes((access) => access !== 'host' && access !== 'enrolment-token'),
  'agent-routes': () => routes((access) => access === 'host' || access === 'enrolment-token'),
};

function routes(isIn: (access: Access) => boolean): string {
  const rows = Object.entries(allEndpoints).filter(([, { access }]) => isIn(access));
  return table(
    ['route', 'name', 'who', 'what', 'query'],
    rows.map(([name, { method, path, access, summary, query = [] }]) => [
      `\`${method} ${path}\``,
      `\`${name}\``,
      access,
      summary,
      query.map((one) => `\`${one}\``).join(' '),
    ]),
  );
}

/**
 * The text with each table between `<!-- table NAME -->` and `<!-- end -->` as it is now.
 *
 * @throws Error when a table has no place in the text
 */
export function withTables(text: string): string {
  return Object.entries(tables).reduce((current, [name, write]) => {
    const start = `<!-- table ${name} -->\n`;
    const from = current.indexOf(start);
    const to = current.indexOf('\n<!-- end -->', from);
    if (from < 0 || to < 0) throw new Error(`docs/api.md has no place for the table ${name}: <!-- table ${name} -->`);
    return `${current.slice(0, from + start.length)}${write()}${current.slice(to)}`;
  }, text);
}
