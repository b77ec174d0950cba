import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostReport } from '#shared/contract/agent/report.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { MemoryHostStore } from '#test/kit/memory-stores.ts';
import { at, reportOf } from '#test/kit/values.ts';
import type { OperatorClient } from '../client.ts';
import { openApi, type TestApi } from '../testing/api.ts';
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

describe('kbroker hosts show NAME', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await openApi();
    const hosts = new MemoryHostStore();
    const twin = reportOf('twin');
    const named = { ...twin, host: { ...twin.host, hostname: 'PC-2.example' } };
    for (const report of [reportOf('pc-1'), reportOf('pc-2'), named]) {
      await hosts.put(report, { receivedAt: at(1), refused: [] });
    }
    const views = new Map<string, unknown>();
    for (const id of ['pc-1', 'pc-2', 'twin']) views.set(`/v1/hosts/${id}`, await hosts.get(id));
    const { items, unreadable } = await hosts.list({ limit: 9 });
    views.set('/v1/hosts', { version: 1, hosts: items, unreadable });
    api.answer = ({ url }) => {
      const body = views.get(url);
      if (body !== undefined) return { body };
      const problem = {
        type: 'about:blank',
        title: 'Not found',
        status: 404,
        detail: 'no such host',
        code: 'not-found',
      };
      return { status: 404, body: problem };
    };
  });
  afterAll(() => api.close());

  it.each(['pc-1', 'PC-1', 'pc-1.example', 'Pc-1.EXAMPLE'])('finds %s', async (name) => {
    const { exitCode, stdout } = await api.ask('hosts', 'show', name);
    expect(stdout).toMatch(/^pc-1\.example \(pc-1\): OK$/m);
    expect(exitCode).toBe(0);
  });

  it('says that there is none, or that there are several', async () => {
    expect(await api.ask('hosts', 'show', 'pc-9')).toMatchObject({
      exitCode: 1,
      stderr: 'kbroker: no host pc-9 has reported; kbroker hosts list has all\n',
    });
    expect(await api.ask('hosts', 'show', 'pc-2.example')).toMatchObject({
      exitCode: 1,
      stderr: 'kbroker: 2 hosts are called pc-2.example; name one by its machine id: pc-2, twin\n',
    });
  });

  it.each(['', ' ', 'a b', '../x', 'x'.repeat(65)])('sends nothing for %j, and says what is allowed', async (name) => {
    api.sent.splice(0);
    const { exitCode, stderr } = await api.ask('hosts', 'show', name);
    expect(stderr).toBe(
      `kbroker: not a machine id or hostname: got ${JSON.stringify(name)}, expected up to 64 letters, digits, ".", "_" and "-"\n`,
    );
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});
