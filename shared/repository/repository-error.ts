import type { TrustRole } from '../contract/trust.ts';

/**
 * What is wrong with the signed repository, or with what claims to be of it.
 *
 * - `unsigned`: too few good signatures.
 * - `expired`: it is too old; a repository that is held back looks like this.
 * - `rolled-back`: older than what was seen before.
 * - `mixed`: it does not belong to the rest: another digest, length or version than the one that was promised.
 * - `too-long`: longer than it may be.
 * - `not-found`: something that was promised is not there.
 * - `malformed`: not what TUF says, or not of our layout.
 * - `not-pinned`: no root is known here to begin with, or another one than was pinned.
 * - `conflict`: somebody else changed the repository meanwhile.
 */
export type RepositoryErrorCode =
  | 'unsigned'
  | 'expired'
  | 'rolled-back'
  | 'mixed'
  | 'too-long'
  | 'not-found'
  | 'malformed'
  | 'not-pinned'
  | 'conflict';

/** The one error of the signed repository: what is wrong, and with which role. */
export class RepositoryError extends Error {
  override readonly name = 'RepositoryError';
  readonly code: RepositoryErrorCode;
  /** Absent where it is about no single role. */
  readonly role: TrustRole | undefined;

  constructor(
    code: RepositoryErrorCode,
    role: TrustRole | undefined,
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options);
    this.code = code;
    this.role = role;
  }
}
