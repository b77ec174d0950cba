import type { SyncOutcome, SyncProgress } from '#shared/contract/operators/index-sync.ts';
import type { SyncJournal } from '#shared/stores/catalog/port.ts';

export interface RunProgressOptions {
  readonly journal: Pick<SyncJournal, 'putRun' | 'run'>;
  readonly now: () => Date;
  /** Between two notes of the same phase. Milliseconds. */
  readonly everyMilliseconds: number;
}

/** Notes for the people who asked how their run goes and ends. Runs that nobody asked for write nothing. */
export class RunProgress {
  /** When each run began that ends with this one, by its id. ISO 8601. */
  readonly #runs = new Map<string, string>();
  readonly #options: RunProgressOptions;
  #phase: SyncProgress['phase'] | undefined;
  #notedAt = 0;

  constructor(options: RunProgressOptions) {
    this.#options = options;
  }

  get runIds(): readonly string[] {
    return [...this.#runs.keys()];
  }

  /** From now on this run is told too; it may have begun in an earlier invocation. */
  async follow(runId: string): Promise<void> {
    if (this.#runs.has(runId)) return;
    const startedAt = this.#options.now().toISOString();
    // Before the journal is asked, so that even a journal that cannot be read is told the end.
    this.#runs.set(runId, startedAt);
    const known = await this.#options.journal.run(runId);
    if (known !== undefined) this.#runs.set(runId, known.startedAt);
  }

  async end(result: SyncOutcome): Promise<void> {
    const endedAt = this.#options.now().toISOString();
    for (const [runId, startedAt] of this.#runs)
      await this.#options.journal.putRun({ version: 1, runId, state: 'ended', startedAt, endedAt, result });
  }

  async note(phase: SyncProgress['phase'], counts: Omit<SyncProgress, 'phase' | 'at'> = {}): Promise<void> {
    if (this.#runs.size === 0) return;
    const { journal, now, everyMilliseconds } = this.#options;
    const at = now();
    if (phase === this.#phase && at.getTime() - this.#notedAt < everyMilliseconds) return;
    this.#phase = phase;
    this.#notedAt = at.getTime();
    const progress: SyncProgress = { phase, ...counts, at: at.toISOString() };
    const notes = [...this.#runs].map(([runId, startedAt]) =>
      journal.putRun({ version: 1, runId, state: 'started', startedAt, progress }),
    );
    // A note that is lost is no reason to lose the run; the next one follows in seconds.
    await Promise.allSettled(notes);
  }
}
