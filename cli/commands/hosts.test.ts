import { expect, it } from 'vitest';
import type { HostReport } from '#shared/contract/agent/report.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { MemoryHostStore } from '#test/kit/memory-stores.ts';
import { at, reportOf } from '#test/kit/values.ts';
import type { OperatorClient } from '../client.ts';
import type { CommandContext } from './context.ts';
import { listHosts, showHost } from './hosts.ts';

const reason = 'the index is not used, its signature is unsigned';
const { indexSha256, ...unscanned } = reportOf('pc-1', { indexProblem: reason });

/** What a command prints when this host has reported. */
async function printed(report: HostReport, command: (context: CommandContext) => Promise<number>): Promise<string> {
  const hosts = new MemoryHostStore();
  await hosts.put(report, { receivedAt: at(1), refused: [] });
  const call = async (endpoint: Endpoint): Promise<unknown> => {
    if (endpoint === operatorEndpoints.getHost) return hosts.get('pc-1');
    const { items, unreadable } = await hosts.list({ limit: 9 });
    return { version: 1, hosts: items, unreadable };
  };
  let out = '';
  const io = { stdout: { write: (text: string) => (out += text) }, stderr: { write: () => '' }, env: {} };
  await command({ io, json: false, call: call as OperatorClient, sleep: async () => {} });
  return out;
}

it('kbroker hosts list has a host in error that cannot use the index', async () => {
  expect(await printed(unscanned, listHosts)).toMatch(/^pc-1 .* ERROR /m);
  expect(await printed(reportOf('pc-1'), listHosts)).toMatch(/^pc-1 .* OK /m);
});

it('kbroker hosts show says why a host cannot use the index, and what it scanned instead', async () => {
  const show = (context: CommandContext) => showHost(context, 'pc-1');
  const none = await printed(unscanned, show);
  expect(none).toMatch(/^pc-1\.example \(pc-1\): ERROR$/m);
  expect(none).toMatch(new RegExp(`^ {2}not scanned ${at(0)}, no usable index, rules revision 1$`, 'm'));
  expect(none).toContain(`  cannot use the current index: ${reason}\n`);
  const older = await printed(reportOf('pc-1', { indexProblem: reason }), show);
  expect(older).toContain(`in 12 ms, index ${indexSha256?.slice(0, 12)}, rules`);
  expect(older).toContain(`  cannot use the current index: ${reason}\n`);
  expect(await printed(reportOf('pc-1'), show)).not.toContain('cannot use');
});
