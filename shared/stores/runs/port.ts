import type { CleaningWishes } from '../../contract/messages/clean-payloads.ts';
import type { SyncWishes } from '../../contract/messages/sync-index.ts';
import type { SweepResult } from '../../contract/operators/views.ts';

/** Runs of the scheduled functions, started by hand. */
export interface RunStarter {
  /** Starts a synchronisation and does not wait for it; its end is found in the journal under this id. */
  startSync(runId: string, wishes: SyncWishes): Promise<void>;
  /** Starts a cleaning and does not wait for it; its end is found among the runs of the payloads under this id. */
  startCleaning(runId: string, wishes: CleaningWishes): Promise<void>;
  /** Sweeps and waits for the result. @throws StoreError `refused` when the sweep failed */
  sweep(): Promise<SweepResult>;
}
