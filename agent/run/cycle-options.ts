import type { Phase } from '../core/phases.ts';

/** What one cycle is to do, and how. */
export interface CycleOptions {
  /**
   * What to do; the rest is taken from what earlier cycles stored. A check-in and a pull look at the signed repository, too
   * (`trust`). A check-in alone adds what operators' commands, new rules, or a delay that has ended ask for.
   *
   * @default all phases
   */
  readonly phases?: readonly Phase[];
  /** Stops the cycle between steps and inside downloads. */
  readonly signal?: AbortSignal;
  /**
   * Also try updates again whose attempts are used up.
   *
   * @default false
   */
  readonly retryGivenUp?: boolean;
  /**
   * Report also when nothing changed, and the whole.
   *
   * @default false
   */
  readonly wholeReport?: boolean;
  /**
   * Take on what operators order at check-in.
   *
   * @default true
   */
  readonly heedCommands?: boolean;
}
