import type { HostReport } from '#shared/contract/agent/report.ts';
import type { HostSummary } from '#shared/contract/operators/hosts.ts';
import { plural } from './narrator.ts';

/** What the broker tells of a host that has reported. */
export interface ReportedHost {
  readonly summary: HostSummary;
  readonly report: HostReport;
  /** When the machine was last found to be so; with an unchanged report, later than that came. ISO 8601. */
  readonly scannedAt: string;
}

/** Hosts in numbers, as the broker's status tells them. */
export interface FleetCounts {
  readonly total: number;
  readonly byState: Readonly<Record<HostSummary['state'], number>>;
}

/**
 * Compares the broker's counts with a recount of these hosts. When it knows more hosts, of an earlier life, no state may
 * have fewer than the recount.
 *
 * @returns nothing when they agree
 */
export function whyOtherCounts({ total, byState }: FleetCounts, hosts: readonly ReportedHost[]): string | undefined {
  if (total < hosts.length) return `it counts ${plural(total, 'host')} and not ${hosts.length}`;
  const recount = new Map<HostSummary['state'], number>();
  for (const { summary } of hosts) recount.set(summary.state, (recount.get(summary.state) ?? 0) + 1);
  const wrong = [...recount].filter(([state, number]) =>
    total === hosts.length ? byState[state] !== number : byState[state] < number,
  );
  if (wrong.length === 0) return undefined;
  return wrong.map(([state, number]) => `it counts ${byState[state]} ${state} and not ${number}`).join('; ');
}
