import type { SyncProgress } from '#shared/contract/operators/index-sync.ts';
import type { SyncJournal } from '#shared/stores/catalog/port.ts';

export interface RunProgressOptions {
  readonly journal: Pick<SyncJournal, 'putRun'>;
  readonly startedAt: string;
  readonly now: () => Date;
  /** Between two notes of the same phase. Milliseconds. */
  readonly everyMilliseconds: number;
}

/** Notes for the people who asked how far their run is. Runs that nobody asked for write nothing. */
export class RunProgress {
  /** Runs that end with this one. */
  readonly runIds = new Set<string>();
  readonly #options: RunProgressOptions;
  #phase: SyncProgress['phase'] | undefined;
  #notedAt = 0;

  constructor(options: RunProgressOptions) {
    this.#options = options;
  }

  async note(phase: SyncProgress['phase'], counts: Omit<SyncProgress, 'phase' | 'at'> = {}): Promise<void> {
    if (this.runIds.size === 0) return;
    const { journal, startedAt, now, everyMilliseconds } = this.#options;
    const at = now();
    if (phase === this.#phase && at.getTime() - this.#notedAt < everyMilliseconds) return;
    this.#phase = phase;
    this.#notedAt = at.getTime();
    const progress: SyncProgress = { phase, ...counts, at: at.toISOString() };
    const notes = [...this.runIds].map((runId) =>
      journal.putRun({ version: 1, runId, state: 'started', startedAt, progress }),
    );
    // A note that is lost is no reason to lose the run; the next one follows in seconds.
    await Promise.allSettled(notes);
  }
}
