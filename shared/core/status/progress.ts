/** How far the fetch of one file got. Times are ISO 8601. */
interface Progress {
  readonly bytes: number;
  readonly of: number;
  readonly startedAt: string;
  readonly at: string;
}

export interface Rate {
  readonly bytes: number;
  readonly of: number;
  /** Since the fetches began, pauses among them; absent while nothing can be said. */
  readonly bytesPerSecond?: number;
  /** At that rate. */
  readonly secondsLeft?: number;
}

/** Fetches under way, taken together: their rates add up, since they run side by side. */
export function rateOf(fetches: readonly Progress[]): Rate {
  const sum = (of: (one: Progress) => number): number => fetches.reduce((total, one) => total + of(one), 0);
  const [bytes, of] = [sum((one) => one.bytes), sum((one) => one.of)];
  const bytesPerSecond = sum(({ bytes: done, startedAt, at }) => {
    const seconds = (Date.parse(at) - Date.parse(startedAt)) / 1000;
    return seconds > 0 ? done / seconds : 0;
  });
  if (!(bytesPerSecond > 0)) return { bytes, of };
  return { bytes, of, bytesPerSecond, secondsLeft: Math.ceil((of - bytes) / bytesPerSecond) };
}
