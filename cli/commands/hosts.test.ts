import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { at, reportOf } from '#test/kit/values.ts';
import { openApi, type TestApi } from '../testing/api.ts';
import { type TestContextOptions, testContext } from '../testing/context.ts';
import { hostSummaryOf, hostsPageOf, hostViewOf, refusal } from '../testing/values.ts';
import { revokeHost, showHost } from './hosts.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(() => api.sent.splice(0));

describe('kbroker hosts list', () => {
  it('lists all pages, and says how old the list is', async () => {
    const pages = [
      hostsPageOf([hostSummaryOf('pc-1')], { total: 2, next: 'two', unreadable: ['bad'] }),
      hostsPageOf([hostSummaryOf('pc-2', { state: 'ERROR', cloned: true, revokedAt: at(9) })], {
        total: 2,
        unreadable: ['bad'],
      }),
    ];
    api.answer = ({ url }) => ({ body: pages[url.includes('cursor=two') ? 1 : 0] });
    const { exitCode, stdout, stderr } = await api.ask('hosts', 'list');
    expect(stdout).toMatch(/^MACHINE .* NOTE\npc-1 .* pilots .* OK .*\npc-2 .* ERROR .* revoked, cloned\n$/);
    expect(stderr).toBe(`2 hosts, as of ${at(0)} (1 min ago)\nunreadable row in the store: bad\n`);
    expect(exitCode).toBe(0);
    const { stdout: json } = await api.ask('hosts', 'list', '--json');
    expect(JSON.parse(json)).toMatchObject({ total: 2, ageSeconds: 90, hosts: { length: 2 }, unreadable: ['bad'] });
  });

  it('sends every filter and the order', async () => {
    api.answer = () => ({ body: hostsPageOf([]) });
    const id = '2a9f0c1e-77aa-4b0f-8d53-0123456789ab';
    const { exitCode, stdout } = await api.ask(
      ...['hosts', 'list', '--group', 'pilots', '--state', 'ERROR', '--os', 'windows 11', '--name', 'pc'],
      ...['--update', `${id.toUpperCase()}_200`, '--update-state', 'MISSING'],
      ...['--seen-before', '2026-11-26T08:00:00Z', '--seen-after', '2026-11-01T00:00:00Z'],
      ...['--revoked', 'false', '--sort', 'seen', '--descending'],
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'no hosts\n' });
    const [sent] = api.sent;
    expect(Object.fromEntries(new URL(sent?.url ?? '', 'http://x').searchParams)).toEqual({
      group: 'pilots',
      state: 'ERROR',
      os: 'windows 11',
      name: 'pc',
      update: id,
      updateState: 'MISSING',
      seenBefore: '2026-11-26T08:00:00Z',
      seenAfter: '2026-11-01T00:00:00Z',
      revoked: 'false',
      sort: 'lastSeenAt',
      order: 'descending',
      limit: '500',
    });
  });

  it('takes a KB, or the state of any update', async () => {
    api.answer = () => ({ body: hostsPageOf([]) });
    await api.ask('hosts', 'list', '--update', 'kb5034441');
    await api.ask('hosts', 'list', '--update-state', 'ERROR');
    expect(api.sent.map(({ url }) => url)).toEqual([
      '/v1/hosts?update=5034441&limit=500',
      '/v1/hosts?updateState=ERROR&limit=500',
    ]);
  });

  it('is ordered by the names of its columns, or by those of the API', async () => {
    api.answer = () => ({ body: hostsPageOf([]) });
    for (const by of ['machine', 'SEEN', 'reported', 'os', 'machineId'])
      expect((await api.ask('hosts', 'list', '--sort', by)).exitCode).toBe(0);
    const sorts = api.sent.map(({ url }) => new URL(url, 'http://x').searchParams.get('sort'));
    expect(sorts).toEqual(['machineId', 'lastSeenAt', 'reportedAt', 'os', 'machineId']);
  });

  it('takes how long ago a host was seen', async () => {
    api.answer = () => ({ body: hostsPageOf([]) });
    const before = Date.now();
    await api.ask('hosts', 'list', '--seen-before', '7d');
    const seen = Date.parse(new URL(api.sent[0]?.url ?? '', 'http://x').searchParams.get('seenBefore') ?? '');
    expect(seen).toBeGreaterThanOrEqual(before - 604_800_000);
    expect(seen).toBeLessThanOrEqual(Date.now() - 604_800_000);
  });

  it.each([
    [['--group', 'a b'], /not a name of a group: got "a b"/],
    [['--state', 'FINE'], /Allowed choices are OK, PENDING_UPDATES, ERROR, UNKNOWN/],
    [['--os', ' '], /--os has no value/],
    [['--update', 'KB12'], /not a KB number: got "KB12"/],
    [['--update', 'x'], /not an UpdateId: got "x"/],
    [['--update-state', 'FINE'], /Allowed choices are OK, PENDING/],
    [['--seen-before', 'yesterday'], /not a time: got "yesterday"/],
    [['--sort', 'colour'], /--sort: got "colour", allowed are machine, hostname, group, os, state, seen, reported/],
    [['--revoked', 'yes'], /Allowed choices are true, false/],
  ])('%j is a usage error, and nothing is sent', async (args, message) => {
    const { exitCode, stderr } = await api.ask('hosts', 'list', ...args);
    expect(stderr).toMatch(message);
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});

describe('kbroker hosts show', () => {
  const shown = async (more: Parameters<typeof hostViewOf>[1]): Promise<string> => {
    const { context, printed } = testContext(() => hostViewOf('pc-1', more));
    expect(await showHost(context, 'pc-1')).toBe(0);
    return printed.stdout;
  };
  const lastOf = (more: Parameters<typeof reportOf>[1]) => ({
    last: { report: reportOf('pc-1', more), hash: 'a'.repeat(64), scan: { at: at(3), milliseconds: 12 }, refused: [] },
  });

  it('says what it received in the month, and from whom', async () => {
    const { context, printed } = testContext(() => ({
      ...hostViewOf('pc-1', {}),
      received: { month: '2026-11', index: 650e6, files: 3e9, direct: 2e6 },
    }));
    expect(await showHost(context, 'pc-1')).toBe(0);
    const line = '  received in 2026-11: 3.0 GB of files, 650.0 MB of indexes; 2.0 MB from Microsoft itself\n';
    expect(printed.stdout).toContain(line);
  });

  it('says who the host is', async () => {
    const text = await shown({});
    expect(text).toMatch(/^pc-1\.example \(pc-1\): OK\n/);
    expect(text).toContain(`  group pilots, enrolled ${at(0)}, key ${'k'.repeat(43)}\n`);
    expect(text).toContain(`  Windows 11 Enterprise 10.0.26100.1742 amd64, agent 0.1.0\n  last seen ${at(5)}\n`);
    expect(text).not.toMatch(/revoked|cloned|rejected|cannot use/);
  });

  it('tells a revoked key, its clones, and a report that did not parse', async () => {
    const text = await shown({
      summary: hostSummaryOf('pc-1', { revokedAt: at(7) }),
      clones: [{ machineId: 'pc-9', at: at(6) }],
      rejected: { at: at(8), reason: 'report.updates: Too big', bytes: 123 },
    });
    expect(text).toContain(`  key revoked ${at(7)}: it is not let in any more\n`);
    expect(text).toContain(`  cloned: machine pc-9 used its key, ${at(6)}\n`);
    expect(text).toContain(`  a report of 123 bytes was rejected ${at(8)}: report.updates: Too big\n`);
  });

  it('tells why a key was revoked', async () => {
    const text = await shown({
      summary: hostSummaryOf('pc-1', { revokedAt: at(7) }),
      revocationReason: 'stolen from the train',
    });
    expect(text).toContain(
      `  key revoked ${at(7)}: it is not let in any more\n  revoked because: stolen from the train\n`,
    );
  });

  it('shows a host whose stored report cannot be read', async () => {
    const { context, printed } = testContext(() => {
      const { last: _, ...view } = hostViewOf('pc-1');
      return { ...view, unreadable: ['the stored report does not parse'] };
    });
    expect(await showHost(context, 'pc-1')).toBe(0);
    expect(printed.stdout).toContain('  the stored report does not parse\n');
    expect(printed.stdout).not.toContain('has not reported yet');
  });

  it('says why a host cannot use the index, and what it scanned instead', async () => {
    const reason = 'the index is not used, its signature is unsigned';
    const { indexSha256: _, ...unscanned } = reportOf('pc-1', { indexProblem: reason });
    const none = await shown({ last: { ...lastOf({}).last, report: unscanned } });
    expect(none).toContain(`  not scanned ${at(3)}, no usable index, rules revision 1\n`);
    expect(none).toContain(`  cannot use the current index: ${reason}\n`);
    const older = await shown(lastOf({ indexProblem: reason }));
    expect(older).toContain(`in 12 ms, index ${reportOf('pc-1').indexSha256?.slice(0, 12)}, rules`);
    expect(older).toContain(`  cannot use the current index: ${reason}\n`);
  });

  it('says what it refuses of the signed repository, and when lists take it for one of another group', async () => {
    const shown = async (changes: Parameters<typeof reportOf>[1]) => {
      const { context, printed } = testContext(() => hostViewOf('pc-1', lastOf(changes)));
      await showHost(context, 'pc-1');
      return printed.stdout;
    };
    const text = await shown({ trustProblem: 'rules is refused: rules was signed by 0/1 keys', group: 'vault' });
    expect(text).toContain('  refuses what the repository offers: rules is refused: rules was signed by 0/1 keys\n');
    expect(text).toContain('  is in group vault by what is signed; commands and lists take it for one of pilots\n');
    expect(await shown({ group: 'pilots' })).not.toMatch(/is in group|refuses/);
  });

  it('says that it has not reported yet', async () => {
    const { context, printed } = testContext(() => {
      const { last: _, ...view } = hostViewOf('pc-1');
      return view;
    });
    await showHost(context, 'pc-1');
    expect(printed.stdout).toMatch(/ {2}has not reported yet\n$/);
  });
});

describe('kbroker hosts show NAME', () => {
  beforeAll(() => {
    const twins = [hostSummaryOf('pc-2'), hostSummaryOf('twin', { hostname: 'PC-2.example' })];
    const summaries = [hostSummaryOf('pc-1'), ...twins];
    const views = new Map<string, unknown>(summaries.map(({ machineId }) => [machineId, hostViewOf(machineId)]));
    api.answer = ({ url }) => {
      const { pathname, searchParams } = new URL(url, 'http://x');
      if (pathname === '/v1/hosts') {
        const name = searchParams.get('name')?.toLowerCase() ?? '';
        return { body: hostsPageOf(summaries.filter(({ hostname }) => hostname.toLowerCase().includes(name))) };
      }
      const body = views.get(pathname.replace('/v1/hosts/', ''));
      return body === undefined ? refusal('not-found', 'no such host') : { body };
    };
  });

  it.each(['pc-1', 'PC-1', 'pc-1.example', 'Pc-1.EXAMPLE'])('finds %s', async (name) => {
    const { exitCode, stdout } = await api.ask('hosts', 'show', name);
    expect(stdout).toMatch(/^pc-1\.example \(pc-1\): OK$/m);
    expect(exitCode).toBe(0);
  });

  it('says that there is none, or that there are several', async () => {
    // "pc" is a part of all of their names, and none of them.
    expect(await api.ask('hosts', 'show', 'pc')).toMatchObject({
      exitCode: 1,
      stderr: 'kbroker: no host is called pc; kbroker hosts list has all\n',
    });
    expect(await api.ask('hosts', 'show', 'pc-2.example')).toMatchObject({
      exitCode: 1,
      stderr: 'kbroker: 2 hosts are called pc-2.example; name one by its machine id: pc-2, twin\n',
    });
  });

  it.each(['', ' ', 'a b', '../x', 'x'.repeat(65)])('sends nothing for %j, and says what is allowed', async (name) => {
    const { exitCode, stderr } = await api.ask('hosts', 'show', name);
    expect(stderr).toBe(
      `kbroker: not a machine id or hostname: got ${JSON.stringify(name)}, expected up to 64 letters, digits, ".", "_" and "-"\n`,
    );
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});

describe('kbroker hosts revoke', () => {
  const revoke = async (flags: Parameters<typeof revokeHost>[2], options: TestContextOptions) => {
    const test = testContext(
      () => hostViewOf('pc-1', { summary: hostSummaryOf('pc-1', { revokedAt: at(9) }) }),
      options,
    );
    const ended = await revokeHost(test.context, 'pc-1', flags).catch((error: unknown) => error);
    return { ...test, ended, posts: test.calls.filter(({ method }) => method === 'POST') };
  };

  it('does it with --yes, and sends the reason', async () => {
    const { ended, posts, printed } = await revoke({ yes: true, reason: 'stolen' }, {});
    expect(ended).toBe(0);
    expect(posts).toMatchObject([{ url: '/v1/hosts/pc-1/revocations', body: { version: 1, reason: 'stolen' } }]);
    expect(printed.stdout).toBe('the key of pc-1.example (pc-1) is revoked\n');
  });

  it.each(['y', 'YES'])('asks on a terminal, and does it when told %j', async (answer) => {
    const { ended, posts, questions } = await revoke({}, { answer });
    expect(ended).toBe(0);
    expect(posts).toHaveLength(1);
    expect(questions).toEqual(['Revoke the key of pc-1.example (pc-1) in group pilots? [y/N] ']);
  });

  it.each(['', 'n', 'yes please'])('does nothing when told %j', async (answer) => {
    const { ended, posts } = await revoke({}, { answer });
    expect(ended).toMatchObject({ code: 'refused', exitCode: 1 });
    expect(posts).toEqual([]);
  });

  it('sends nothing when nobody can be asked', async () => {
    const { exitCode, stderr } = await api.ask('hosts', 'revoke', 'pc-1');
    expect(stderr).toBe(
      'kbroker: revoking a key cannot be taken back, and there is no terminal to ask on: say --yes\n',
    );
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});
