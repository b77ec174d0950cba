/** A request that may come again. */
export interface Attempt {
  /** Names the request: whoever sends it again uses the same. */
  readonly id: string;
  /** Says what the request is; another one under the same id is a mistake. */
  readonly fingerprint: string;
  /** Tells this try from others of the same request. */
  readonly attempt: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * How a request stands. `begun`: it is this caller's to carry out, until the lease ends. `answered`: it was carried out.
 * `under-way`: another try of it is being carried out. `mismatch`: the id belongs to another request.
 */
export type Standing =
  | { readonly state: 'begun' }
  | { readonly state: 'answered'; readonly answer: Uint8Array }
  | { readonly state: 'under-way'; readonly until: number }
  | { readonly state: 'mismatch' };

/** Answers of requests, kept so that one that comes again is not carried out again. */
export interface IdempotencyStore {
  /** @param leaseUntil when others may try, if no answer came: milliseconds since 1970 */
  begin(attempt: Attempt, leaseUntil: number): Promise<Standing>;
  /** Keeps the answer until then. @returns false when the lease was lost to another try meanwhile */
  finish(attempt: Attempt, answer: Uint8Array, keepUntil: number): Promise<boolean>;
  /** The request was not carried out, and may be tried again at once. Nothing when another try has it meanwhile. */
  abandon(attempt: Attempt): Promise<void>;
}
