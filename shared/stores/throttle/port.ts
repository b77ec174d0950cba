/** Counts what somebody does in a minute. */
export interface ThrottleStore {
  /**
   * Counts one more request of somebody in the minute that `at` lies in, whether it is let through or not.
   *
   * @param who at most 1,000 bytes
   * @param at milliseconds since 1970
   * @returns how many there were in this minute, this one among them
   */
  count(who: string, at: number): Promise<number>;
}
