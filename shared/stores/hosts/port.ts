import type { HostReport } from '../../contract/agent/report.ts';
import type { HostSummary, HostView } from '../../contract/operators/views.ts';
import type { HostState } from '../../core/status/states.ts';
import type { Page } from '../requests/port.ts';

/** Last good report of each host. */
export interface HostStore {
  /** Stores the report unless a newer scan of the same host is already there (then nothing changes). */
  put(
    report: HostReport,
    extra: { readonly receivedAt: string; readonly refused: HostView['refused'] },
  ): Promise<'stored' | 'older'>;
  get(machineId: string): Promise<HostView | undefined>;
  list(query: { readonly cursor?: string | undefined; readonly limit: number }): Promise<Page<HostSummary>>;
  countByState(): Promise<Readonly<Record<HostState, number>>>;
}
