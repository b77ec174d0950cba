import { hostSorts } from '#shared/contract/operators/hosts.ts';
import { CliError } from '../cli-error.ts';

type HostSort = (typeof hostSorts)[number];

/** What people call the columns of the list of hosts, and what the API does; `reported` is not shown. */
const sorts = {
  machine: 'machineId',
  hostname: 'hostname',
  group: 'group',
  os: 'os',
  state: 'state',
  seen: 'lastSeenAt',
  reported: 'reportedAt',
} as const satisfies Record<string, HostSort>;

/** Names to order hosts by. */
export const sortColumns: readonly string[] = Object.keys(sorts);

/**
 * What a list of hosts is ordered by, by the name of the column or of the API, in any case.
 *
 * @throws CliError `usage`
 */
export function readSort(text: string): HostSort {
  const wanted = text.trim().toLowerCase();
  const [, sort] = Object.entries(sorts).find(([column]) => column === wanted) ?? [];
  const found = sort ?? hostSorts.find((one) => one.toLowerCase() === wanted);
  if (found !== undefined) return found;
  throw new CliError('usage', `--sort: got ${JSON.stringify(text)}, allowed are ${sortColumns.join(', ')}`);
}
