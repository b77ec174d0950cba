import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Command, CommandTarget } from '#shared/contract/commands.ts';
import { at } from '#test/kit/values.ts';
import { openApi, type TestApi } from '../testing/api.ts';
import { type TestContextOptions, testContext } from '../testing/context.ts';
import { hostSummaryOf, hostsPageOf, hostViewOf, refusal } from '../testing/values.ts';
import { type CreateCommandFlags, createCommand, listCommands, showCommand } from './commands.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(() => api.sent.splice(0));

const id = 'command-1';
const pilots: CommandTarget = { kind: 'group', group: 'pilots' };
const commandOf = (more: Partial<Command> = {}): Command => ({
  version: 1,
  commandId: id,
  verb: 'scan',
  target: pilots,
  createdAt: at(0),
  createdBy: 'Ann',
  expiresAt: at(86_400),
  outcomes: { done: 0, failed: 0 },
  ...more,
});
const outcomes = (done: number, failed: number): Partial<Command> => ({ outcomes: { done, failed } });
const posted = () => api.sent.find(({ method }) => method === 'POST');

describe('kbroker commands create', () => {
  beforeEach(() => {
    api.answer = ({ method, url, body }) => {
      if (method === 'POST')
        return { body: { ...commandOf(), target: (body as { target: object }).target, matches: 7 } };
      if (url === '/v1/hosts/pc-1') return { body: hostViewOf('pc-1') };
      if (url.startsWith('/v1/hosts?')) return { body: hostsPageOf([hostSummaryOf('pc-1')]) };
      return refusal('not-found', url);
    };
  });

  it('tells a group, for a day unless it is told otherwise', async () => {
    const { exitCode, stdout, stderr } = await api.ask('commands', 'create', '--verb', 'scan', '--group', 'pilots');
    expect(posted()).toEqual({
      method: 'POST',
      url: '/v1/commands',
      body: { version: 1, verb: 'scan', target: pilots, expiresInSeconds: 86_400 },
    });
    expect(stdout).toMatch(/^command-1: scan for group pilots, /);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'it is for 7 of the hosts that are enrolled now\n' });
  });

  it('tells a host by its machine id, however it is named', async () => {
    const { exitCode } = await api.ask('commands', 'create', '--verb', 'install', '--host', 'PC-1.example');
    expect(posted()?.body).toMatchObject({ verb: 'install', target: { kind: 'host', machineId: 'pc-1' } });
    expect(exitCode).toBe(0);
  });

  it.each([
    [['group=pilots'], { group: 'pilots' }],
    [['group=pilots,state=ERROR'], { group: 'pilots', state: 'ERROR' }],
    [['os=Windows 11, version 24H2, name=pc-'], { os: 'Windows 11, version 24H2', name: 'pc-' }],
    [['state=OK', 'name=a=b'], { state: 'OK', name: 'a=b' }],
  ])('tells hosts that the filter %j has', async (filters, filter) => {
    const options = filters.flatMap((one) => ['--filter', one]);
    const { exitCode } = await api.ask('commands', 'create', '--verb', 'report', ...options, '--expires', '1h');
    expect(posted()?.body).toMatchObject({ target: { kind: 'filter', filter }, expiresInSeconds: 3600 });
    expect(exitCode).toBe(0);
  });

  it('prints JSON', async () => {
    const args = ['--verb', 'scan', '--group', 'pilots', '--note', 'now', '--json'];
    const { stdout, stderr } = await api.ask('commands', 'create', ...args);
    expect(JSON.parse(stdout)).toEqual({ ...commandOf(), matches: 7 });
    expect(posted()?.body).toMatchObject({ note: 'now' });
    expect(stderr).toBe('');
  });

  it.each([
    [['--group', 'pilots'], /required option '--verb <verb>' not specified/],
    [['--verb', 'format', '--group', 'pilots'], /Allowed choices are scan, download, install, report/],
    [['--verb', 'scan'], /name exactly one of --host, --group, --filter/],
    [['--verb', 'scan', '--group', 'a', '--host', 'b'], /name exactly one of/],
    [['--verb', 'scan', '--group', 'a b'], /not a name of a group: got "a b"/],
    [['--verb', 'scan', '--host', '../x'], /not a machine id or hostname/],
    [['--verb', 'scan', '--filter', 'colour=red'], /not a filter: got "colour=red", expected group=…, state=…/],
    [['--verb', 'scan', '--filter', 'state=FINE'], /not a filter: state: .*OK/],
    [['--verb', 'scan', '--filter', 'name='], /not a filter: name: /],
    [['--verb', 'scan', '--filter', ''], /not a filter: got ""/],
    [['--verb', 'scan', '--filter', 'name=a,name=b'], /the filter names name twice/],
    [['--verb', 'scan', '--group', 'a', '--expires', 'soon'], /not a duration: got "soon"/],
    [['--verb', 'scan', '--group', 'a', '--expires', '30s'], /expiresInSeconds: .*60.*got 30/],
    [['--verb', 'scan', '--group', 'a', '--expires', '31d'], /expiresInSeconds: /],
  ])('%j is a usage error, and nothing is sent', async (args, message) => {
    const { exitCode, stderr } = await api.ask('commands', 'create', ...args);
    expect(stderr).toMatch(message);
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});

describe('kbroker commands create --watch', () => {
  interface Watch extends TestContextOptions {
    readonly matches?: number;
    readonly target?: CommandTarget;
  }
  /** Each sleep brings the next round; the last one must end it. */
  async function watch(rounds: readonly Partial<Command>[], { matches, target = pilots, ...options }: Watch = {}) {
    let round = 0;
    const test = testContext(
      ({ method, url }) => {
        if (method === 'POST') return { ...commandOf({ target }), ...(matches !== undefined && { matches }) };
        if (url.startsWith('/v1/hosts')) return hostsPageOf([], { total: 3 });
        return { version: 1, command: commandOf({ target, ...rounds[round] }), outcomes: [], unreadable: [] };
      },
      {
        ...options,
        sleep: async () => {
          round += 1;
          if (round >= rounds.length) throw new Error('it goes on though it is over');
        },
      },
    );
    const flags: CreateCommandFlags = { verb: 'scan', group: 'pilots', expires: '1h', watch: true };
    const exitCode = await createCommand(test.context, flags);
    return { exitCode, ...test.printed, calls: test.calls };
  }

  it('waits until all hosts told that it is done', async () => {
    const rounds = [outcomes(0, 0), outcomes(1, 0), outcomes(1, 0), outcomes(2, 0)];
    const { exitCode, stdout, stderr } = await watch(rounds, { matches: 2 });
    expect(stderr).toBe(
      [
        'command command-1 created',
        '0 of 2 hosts: 0 done, 0 failed',
        '1 of 2 hosts: 1 done, 0 failed',
        '2 of 2 hosts: 2 done, 0 failed\n',
      ].join('\n'),
    );
    expect(stdout).toBe('command-1 ended: 2 of 2 hosts: 2 done, 0 failed\n');
    expect(exitCode).toBe(0);
  });

  it('counts the hosts itself when the broker did not', async () => {
    const { stdout, calls } = await watch([outcomes(3, 0)]);
    expect(stdout).toContain('3 of 3 hosts');
    expect(calls.map(({ url }) => url)).toContain('/v1/hosts?group=pilots&revoked=false&limit=1');
  });

  it('ends with 1 when it failed on a host', async () => {
    expect((await watch([outcomes(1, 1)], { matches: 2 })).exitCode).toBe(1);
  });

  it.each([
    [{ cancelledAt: at(50) }, 'it was cancelled'],
    [{ expiresAt: at(60) }, 'its time is over'],
  ])('ends with 1 when hosts did not tell in time: %j', async (more, why) => {
    const { exitCode, stdout } = await watch([outcomes(1, 0), { ...outcomes(1, 0), ...more }], { matches: 2 });
    expect(stdout).toBe(`command-1: ${why}; 1 of 2 hosts: 1 done, 0 failed\n`);
    expect(exitCode).toBe(1);
  });

  it('prints one line of JSON a round', async () => {
    const { stdout } = await watch([outcomes(0, 0), outcomes(1, 0)], { matches: 1, json: true });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { hosts: 1, command: outcomes(0, 0) },
      { hosts: 1, command: outcomes(1, 0) },
    ]);
  });
});

describe('kbroker commands list, show, cancel', () => {
  it('lists all pages with their states', async () => {
    const { context, printed } = testContext(({ url }) =>
      url.includes('cursor=two')
        ? { version: 1, commands: [commandOf({ commandId: 'command-3', expiresAt: at(9) })], unreadable: ['bad'] }
        : {
            version: 1,
            commands: [commandOf(), commandOf({ commandId: 'command-2', cancelledAt: at(9), note: 'oops' })],
            unreadable: [],
            next: 'two',
          },
    );
    expect(await listCommands(context)).toBe(0);
    const rows = printed.stdout.trimEnd().split('\n').slice(1);
    expect(rows.map((row) => /command-\d .*?(active|cancelled|ended)/.exec(row)?.[1])).toEqual([
      'active',
      'cancelled',
      'ended',
    ]);
    expect(rows[1]).toMatch(/ oops$/);
    expect(printed.stderr).toBe('unreadable row in the store: bad\n');
  });

  it('shows how it ended on each host, over all pages', async () => {
    const outcome = (machineId: string, more: object) => ({ commandId: id, machineId, at: at(9), ...more });
    const { context, printed } = testContext(({ url }) => ({
      version: 1,
      command: commandOf(outcomes(1, 1)),
      unreadable: [],
      ...(url.includes('cursor=two')
        ? { outcomes: [outcome('pc-2', { outcome: 'failed', detail: 'no index' })] }
        : { outcomes: [outcome('pc-1', { outcome: 'done', detail: 'scanned' })], next: 'two' }),
    }));
    expect(await showCommand(context, id, {})).toBe(0);
    expect(printed.stdout).toContain('  1 host did it, on 1 it failed\n');
    expect(printed.stdout).toMatch(/\npc-1 +done .* scanned\npc-2 +failed .* no index\n$/);
  });

  it('cancels', async () => {
    api.answer = ({ url }) =>
      url === `/v1/commands/${id}/cancellations`
        ? { body: commandOf({ cancelledAt: at(9) }) }
        : refusal('not-found', url);
    const { exitCode, stdout } = await api.ask('commands', 'cancel', id);
    expect(stdout).toMatch(/^command-1: scan for group pilots, cancelled\n/);
    expect({ exitCode, sent: posted()?.body }).toEqual({ exitCode: 0, sent: {} });
  });

  it.each(['show', 'cancel'])('%s sends nothing for what is no id', async (verb) => {
    const { exitCode, stderr } = await api.ask('commands', verb, '../x');
    expect(stderr).toMatch(/not an id of a command: got "..\/x"/);
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});
