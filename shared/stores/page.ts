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
