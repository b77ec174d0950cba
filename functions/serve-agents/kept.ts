export interface KeepOptions {
  /** How long an answer is used. */
  readonly milliseconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Reads something once for all who ask within some time. What fails is not kept: the next one reads again.
 */
export function kept<T>(read: () => Promise<T>, { milliseconds, now }: KeepOptions): () => Promise<T> {
  let last: { readonly value: Promise<T>; readonly at: number } | undefined;
  return async () => {
    if (last !== undefined && now() - last.at < milliseconds) return last.value;
    const reading = { value: read(), at: now() };
    last = reading;
    try {
      return await reading.value;
    } catch (error) {
      if (last === reading) last = undefined;
      throw error;
    }
  };
}
