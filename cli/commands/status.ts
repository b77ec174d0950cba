import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { StatusView } from '#shared/contract/operators/views.ts';
import { counted } from '../counted.ts';
import { type ExitCode, exitCodes, formatBytes, printJson, printLines } from '../io.ts';
import { describeAge } from '../times.ts';
import type { CommandContext } from './context.ts';

/** `kbroker status`: index, fleet, requests and repository in numbers. */
export async function showStatus(context: CommandContext): Promise<ExitCode> {
  const status = await context.call(operatorEndpoints.getStatus);
  if (context.json) printJson(context.io, status);
  else printLines(context.io, describeStatus(status));
  return exitCodes.ok;
}

function describeStatus(status: StatusView): string[] {
  const { current, refused } = status.index;
  const counts = (record: Readonly<Record<string, number>>): string =>
    Object.entries(record)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ') || 'none';
  const lines = [
    current === undefined
      ? 'Index      none yet'
      : `Index      ${current.createdAt ?? 'undated'}, ${current.updates} updates, ${current.files} files, published ${current.publishedAt}`,
  ];
  if (current !== undefined) lines.push(`           SHA-256 ${current.sha256}`);
  if (refused !== undefined) {
    lines.push(`           refused ${refused.at}: ${refused.reason}`);
    // The bytes are kept under this name (docs/operating.md, index-refused).
    if (refused.sha256 !== undefined) lines.push(`           refused SHA-256 ${refused.sha256}`);
  }
  lines.push(
    `Hosts      ${status.hosts.total}: ${counts(status.hosts.byState)}`,
    `           ${describeAge(status.hosts)}`,
    `Requests   ${counts(status.requests.byState)}`,
    `Repository ${counted(status.payloads.files, 'file')}, ${formatBytes(status.payloads.bytes)}`,
    ...describeMonth(status),
  );
  return lines;
}

/** What moved in the month so far, and what it costs. */
function describeMonth({ traffic, price }: StatusView): string[] {
  if (traffic === undefined || price === undefined) return [];
  const { month, served, direct, fetched, savedBytes } = traffic;
  const amount = (name: 'storage' | 'transfer' | 'hosts' | 'total'): string => price[name].toFixed(2);
  return [
    `${month}    ${formatBytes(served.files)} of files to hosts, ${formatBytes(fetched.bytes)} (${counted(fetched.files, 'file')}) fetched from Microsoft`,
    `           saved ${formatBytes(savedBytes)} against each host fetching for itself`,
    `           ${formatBytes(served.index)} of indexes to hosts, ${formatBytes(direct)} from Microsoft to hosts directly`,
    `Price      about ${amount('total')} ${price.currency} this month so far: storage ${amount('storage')}, transfer ${amount('transfer')}, hosts ${amount('hosts')}`,
    `           by list prices of ${price.region}, ${price.asOf}`,
  ];
}
