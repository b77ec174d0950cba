import { CliError } from './cli-error.ts';

/** A page of a list, as every list of the API comes. */
interface PageOf {
  /** Cursor of the page after it; absent on the last. */
  readonly next?: string | undefined;
}

/**
 * All pages of a list, one after the other.
 *
 * @param read asks for the page at a cursor; `undefined` is the first
 * @throws CliError `bad-answer` when a page names itself as the next one
 */
export async function* pagesOf<P extends PageOf>(read: (cursor: string | undefined) => Promise<P>): AsyncGenerator<P> {
  let cursor: string | undefined;
  do {
    const page: P = await read(cursor);
    yield page;
    if (page.next !== undefined && page.next === cursor)
      throw new CliError('bad-answer', 'the broker names a page of a list as the one after itself');
    cursor = page.next;
  } while (cursor !== undefined);
}
