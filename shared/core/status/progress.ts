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

/** One file of an update, as the repository has it. */
export interface UnitFile {
  /** Bytes, as the index says; absent where it does not. */
  readonly size?: number | undefined;
  readonly isHeld: boolean;
  /** It is asked for, and not given up. */
  readonly isComing?: boolean;
  /** Of a fetch under way. */
  readonly progress?: Progress | undefined;
}

/** How much of an update is in the repository. Its files are one unit: hosts install it when all are there. */
export interface UnitProgress extends Rate {
  readonly files: number;
  readonly filesHeld: number;
  /** Of the others, those that are asked for and not given up. */
  readonly filesComing: number;
}

/** What is held counts whole, what is on its way as far as it came; the rate is that of what is on its way. */
export function unitProgressOf(files: readonly UnitFile[]): UnitProgress {
  const underWay = files.flatMap(({ isHeld, progress }) => (isHeld || progress === undefined ? [] : [progress]));
  const { bytes: coming, bytesPerSecond } = rateOf(underWay);
  const of = files.reduce((sum, { size, progress }) => sum + (size ?? progress?.of ?? 0), 0);
  const held = files.reduce((sum, { size, isHeld }) => sum + (isHeld ? (size ?? 0) : 0), 0);
  const bytes = held + coming;
  return {
    files: files.length,
    filesHeld: files.filter(({ isHeld }) => isHeld).length,
    filesComing: files.filter(({ isHeld, isComing = false }) => isComing && !isHeld).length,
    bytes,
    of,
    ...(bytesPerSecond !== undefined && { bytesPerSecond, secondsLeft: Math.ceil((of - bytes) / bytesPerSecond) }),
  };
}
