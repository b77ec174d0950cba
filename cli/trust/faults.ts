import { RepositoryError } from '#shared/repository/repository-error.ts';
import { SigningError } from '#shared/signing/signing-error.ts';
import { CliError } from '../cli-error.ts';

/** Failures of signing and proving, in one line each. @throws CliError */
export async function inWords<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RepositoryError)
      throw new CliError(error.code === 'conflict' ? 'conflict' : 'refused', error.message, { cause: error });
    if (error instanceof SigningError)
      throw new CliError(error.code === 'unavailable' ? 'unreachable' : 'refused', error.message, { cause: error });
    if (error instanceof RangeError) throw new CliError('refused', error.message, { cause: error });
    throw error;
  }
}
