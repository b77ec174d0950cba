import type { SyncIndexEvent } from '#shared/contract/messages/sync-index.ts';
import type { SyncOutcome, SyncProgress, SyncRun } from '#shared/contract/operators/index-sync.ts';
import type { SyncJournal } from '#shared/stores/catalog/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';

export interface RunProgressOptions {
  readonly journal: Pick<SyncJournal, 'putRun' | 'run'>;
  readonly now: () => Date;
  /** Between two notes of the same phase. Milliseconds. */
  readonly everyMilliseconds: number;
}

/** What people may ask of a run besides (contract/messages/sync-index.ts). */
type Wishes = Pick<SyncIndexEvent, 'allowOlder' | 'again'>;

/** Notes for the people who asked how their run goes and ends. Runs that nobody asked for write nothing. */
export class RunProgress {
  /** The runs that end with this one, by their ids, as they are noted. */
  readonly #runs = new Map<string, Pick<SyncRun, 'version' | 'runId' | 'startedAt' | 'wishes'>>();
  readonly #options: RunProgressOptions;
  #phase: SyncProgress['phase'] | undefined;
  #notedAt = 0;

  constructor(options: RunProgressOptions) {
    this.#options = options;
  }

  get runIds(): readonly string[] {
    return [...this.#runs.keys()];
  }

  /** Whether one of the runs wishes it. */
  wishes(wish: keyof Wishes): boolean {
    return [...this.#runs.values()].some((run) => run.wishes?.[wish] === true);
  }

  /**
   * From now on this run is told too; it may have begun in an earlier invocation. One that ended before has no say any
   * more: the copy that it began may go on without it.
   */
  async follow(runId: string, { allowOlder, again }: Wishes = {}): Promise<void> {
    if (this.#runs.has(runId)) return;
    const { journal, now } = this.#options;
    const wishes = { ...(allowOlder !== undefined && { allowOlder }), ...(again !== undefined && { again }) };
    const run = {
      version: 1,
      runId,
      startedAt: now().toISOString(),
      ...(Object.keys(wishes).length > 0 && { wishes }),
    } as const;
    // Before the journal is asked, so that even a journal that cannot be read is told the end.
    this.#runs.set(runId, run);
    const known = await journal.run(runId).catch(unlessUnreadable);
    if (known?.state === 'ended') this.#runs.delete(runId);
    else if (known !== undefined) {
      const both = { ...known.wishes, ...wishes };
      this.#runs.set(runId, {
        ...run,
        startedAt: known.startedAt,
        ...(Object.keys(both).length > 0 && { wishes: both }),
      });
    }
  }

  async end(result: SyncOutcome): Promise<void> {
    const endedAt = this.#options.now().toISOString();
    for (const run of this.#runs.values())
      await this.#options.journal.putRun({ ...run, state: 'ended', endedAt, result });
  }

  async note(phase: SyncProgress['phase'], counts: Omit<SyncProgress, 'phase' | 'at'> = {}): Promise<void> {
    if (this.#runs.size === 0) return;
    const { journal, now, everyMilliseconds } = this.#options;
    const at = now();
    if (phase === this.#phase && at.getTime() - this.#notedAt < everyMilliseconds) return;
    this.#phase = phase;
    this.#notedAt = at.getTime();
    const progress: SyncProgress = { phase, ...counts, at: at.toISOString() };
    const notes = [...this.#runs.values()].map((run) => journal.putRun({ ...run, state: 'started', progress }));
    // A note that is lost is no reason to lose the run; the next one follows in seconds.
    await Promise.allSettled(notes);
  }
}

/** A row that does not parse is written anew by the next note: it must not stop the copy that waits for its run. */
function unlessUnreadable(error: unknown): undefined {
  if (error instanceof StoreError && error.code === 'corrupt') return undefined;
  throw error;
}
