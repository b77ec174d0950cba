/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Keys of rows that do not parse. */
  readonly unreadable: readonly string[];
  /** Opaque; absent on the last page. */
  readonly next?: string;
}

/** Which part is asked for. */
export interface PageQuery {
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/**
 * Signs where a list goes on, so that nobody can ask for positions that no list gave out, and a cursor of one list or
 * filter is not taken for another.
 */
export interface CursorCodec {
  /** @param list names the list and its filter */
  seal(list: string, position: string): Promise<string>;
  /** @throws StoreError `refused` when it is not a cursor of this list */
  open(list: string, cursor: string): Promise<string>;
}
