/** Time, as the agent sees it. */
export interface Clock {
  now(): Date;
  /** Resolves after so many seconds, or at once when the signal says stop. */
  sleep(seconds: number, signal?: AbortSignal): Promise<void>;
}

/** A number from 0 (included) to 1 (not). */
export type Random = () => number;

/** One line about what the agent does. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}
export type Log = (line: LogLine) => void;

/** Only one run of the agent may change the machine or the data folder at a time. */
export interface ApplyLock {
  /** @throws AgentError `busy` when another run holds it; a holder that died does not count */
  acquire(): Promise<{ release(): Promise<void> }>;
}
