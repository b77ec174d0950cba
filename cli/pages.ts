import { CliError } from './cli-error.ts';

/** A page of a list, as every list of the API comes. */
interface PageOf {
  /** Cursor of the page after it; absent on the last. */
  readonly next?: string | undefined;
}

/** Query parameters of a page. */
type PageQuery = {
  /** Absent for the first. */
  readonly cursor: string | undefined;
  /** As many as the API gives at once: a whole list takes few requests, of which a person has so many a minute. */
  readonly limit: string;
};

const largestPage = '500';

/**
 * All pages of a list, one after the other.
 *
 * @param read asks for a page
 * @throws CliError `bad-answer` when a page names itself as the next one
 */
export async function* pagesOf<P extends PageOf>(read: (page: PageQuery) => Promise<P>): AsyncGenerator<P> {
  let cursor: string | undefined;
  do {
    const page: P = await read({ cursor, limit: largestPage });
    yield page;
    if (page.next !== undefined && page.next === cursor)
      throw new CliError('bad-answer', 'the broker names a page of a list as the one after itself');
    cursor = page.next;
  } while (cursor !== undefined);
}
