import { type TrustRole, trustRoles } from '../../contract/trust.ts';
import { RepositoryError, type RepositoryErrorCode } from '../repository-error.ts';

/**
 * What tuf-js says when it refuses something, and what that is. It has classes for some of it, but wraps most into text on the
 * way, so that the text is all there is (tuf-js 6.0.2, updater.js and store.js; @tufjs/models 5.0.2). The first that matches
 * counts; what matches none is `malformed`.
 */
const sentences: readonly (readonly [RegExp, RepositoryErrorCode])[] = [
  [/is expired/, 'expired'],
  [/was signed by [0-9]+\/[0-9]+ keys/, 'unsigned'],
  [/is less than current version/, 'rolled-back'],
  // Of roots: each must follow the one before.
  [/Expected version [0-9]+, got [0-9]+/, 'rolled-back'],
  [/Max length reached/, 'too-long'],
  [/there is no /, 'not-found'],
  [/Expected (length|hash) /, 'mixed'],
  [/Snapshot version doesn't match|does not match snapshot version/, 'mixed'],
  // A role that the snapshot does not name.
  [/Missing .* in (new )?snapshot|Cannot read properties of undefined/, 'mixed'],
];

const isRole = (name: string): name is TrustRole => (trustRoles as readonly string[]).includes(name);

/** Role of a file of metadata, `3.rules.json` or `timestamp.json`; `undefined` for one that this broker does not have. */
export function roleOfFile(name: string): TrustRole | undefined {
  const role = /^(?:[0-9]+\.)?([^.]+)\.json$/.exec(name)?.[1] ?? '';
  return isRole(role) ? role : undefined;
}

/** What tuf-js threw, in our words. @param asked the file that was asked for last */
export function refusal(error: unknown, asked: string | undefined): RepositoryError {
  if (error instanceof RepositoryError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const code = sentences.find(([pattern]) => pattern.test(said))?.[1] ?? 'malformed';
  // An old root is found out where the timestamp is checked.
  const role = /Final root/.test(said) ? 'root' : asked === undefined ? 'root' : roleOfFile(asked);
  const what = role ?? asked ?? 'metadata';
  return new RepositoryError(code, role, `${what} is refused: ${inShort(said)}`, { cause: error });
}

/** Without the layers that were put around it. */
const inShort = (said: string): string =>
  said.replace(/^Unable to load (snapshot metadata|targets) error /, '').replace(/^(\w*Error: )+/, '');

/** What bringing a file threw, with the role of the file where it is about no other. */
export function withRole(error: unknown, asked: string | undefined): unknown {
  const role = asked === undefined ? undefined : roleOfFile(asked);
  if (!(error instanceof RepositoryError) || error.role !== undefined || role === undefined) return error;
  return new RepositoryError(error.code, role, `${role} is refused: ${error.message}`, { cause: error });
}
