import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '#shared/contract/commands.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { agentsApiWithHost } from '#test/kit/agents-api.ts';
import { type CapturedLog, captureLog } from '#test/kit/invoke.ts';
import { at, reportOf, sha256 } from '#test/kit/values.ts';

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

const checkIn = { version: 1, outcomes: [] };
const command = (commandId: string, more: Partial<Command> = {}): Command => ({
  version: 1,
  commandId,
  verb: 'install',
  target: { kind: 'host', machineId: 'pc-1' },
  createdAt: at(10),
  createdBy: 'olga',
  expiresAt: at(9000),
  outcomes: { done: 0, failed: 0 },
  ...more,
});
const outcome = (commandId: string, more = {}) => ({
  commandId,
  outcome: 'done',
  detail: 'installed',
  at: at(99),
  ...more,
});

describe('a check-in', () => {
  it('brings the cookies that a host lacks the first time, and nothing that says what may be installed', async () => {
    const { host } = await agentsApiWithHost();
    expect((await host.send('checkIn', checkIn)).body).toEqual({
      version: 1,
      serverTime: at(100),
      knowsReport: false,
      pollSeconds: 7200,
      commands: [],
      acknowledged: [],
      cookies: { values: expect.any(Object), expiresAt: at(100 + 8 * 3600) },
    });
  });

  it('brings nothing that a host has', async () => {
    const { host } = await agentsApiWithHost();
    const has = { ...checkIn, cookiesUntil: at(100 + 4 * 3600) };
    const { body } = await host.send('checkIn', has);
    expect(body).not.toHaveProperty('cookies');
    // These would end before the host comes again.
    const soon = await host.send('checkIn', { ...has, cookiesUntil: at(100 + 2 * 3600) });
    expect(soon.body).toHaveProperty('cookies');
  });

  it('is answered without cookies while none can be signed, and asks for the key again after half a minute', async () => {
    const { host, ports, clock, notIssued } = await agentsApiWithHost();
    const { cookies } = ports;
    const issue = cookies.issue.bind(cookies);
    let asked = 0;
    cookies.issue = async () => {
      asked += 1;
      throw new Error('the secret cannot be read');
    };
    const { status, body } = await host.send('checkIn', checkIn);
    expect(status).toBe(200);
    expect(body).toMatchObject({ commands: [] });
    expect(body).not.toHaveProperty('cookies');
    expect(ports.hosts.records.get('pc-1')).toMatchObject({ sequence: 2 });
    clock.seconds += 29;
    expect((await host.send('checkIn', checkIn)).body).not.toHaveProperty('cookies');
    expect(asked).toBe(1);
    // Who has cookies misses none.
    await host.send('checkIn', { ...checkIn, cookiesUntil: at(100_000) });
    expect(notIssued).toEqual([{ error: new Error('the secret cannot be read') }, {}]);
    cookies.issue = issue;
    clock.seconds += 1;
    expect((await host.send('checkIn', checkIn)).body).toHaveProperty('cookies');
  });

  it('is a report, too, when nothing has changed', async () => {
    const { host, ports, clock } = await agentsApiWithHost();
    const report = reportOf('pc-1');
    const posted = await host.send('postReport', {
      version: 2,
      kind: 'whole',
      scan: { at: at(90), milliseconds: 5 },
      report,
    });
    const { hash } = posted.body;
    clock.seconds = 300;
    const same = await host.send('checkIn', { ...checkIn, report: { hash, scannedAt: at(290) } });
    expect(same.body).toMatchObject({ knowsReport: true });
    expect(ports.hosts.records.get('pc-1')).toMatchObject({
      scannedAt: at(290),
      lastSeenAt: at(300),
      reportVersion: 1,
    });
    // A clock that is ahead does not make the scan younger than its arrival.
    await host.send('checkIn', { ...checkIn, report: { hash, scannedAt: '2099-01-01T00:00:00Z' } });
    expect(ports.hosts.records.get('pc-1')).toMatchObject({ scannedAt: at(300) });
    const other = await host.send('checkIn', { ...checkIn, report: { hash: sha256('other'), scannedAt: at(295) } });
    expect(other.body).toMatchObject({ knowsReport: false });
    expect(ports.hosts.records.get('pc-1')).toMatchObject({ scannedAt: at(300) });
  });

  it('says what the host received, which stays until it says something else', async () => {
    const { host, ports } = await agentsApiWithHost();
    const received = { month: '2026-11', index: 5, files: 7, direct: 9 };
    await host.send('checkIn', { ...checkIn, received });
    await host.send('checkIn', checkIn);
    expect(ports.hosts.records.get('pc-1')).toMatchObject({ received });
    const bad = await host.send('checkIn', { ...checkIn, received: { ...received, month: '2026-13' } });
    expect(bad.status).toBe(400);
    expect(ports.hosts.records.get('pc-1')).toMatchObject({ received });
  });

  it('tells the commands for this host until they are answered, and asks it to come often meanwhile', async () => {
    const { host, ports, clock } = await agentsApiWithHost();
    await host.send('checkIn', checkIn);
    clock.seconds = 200;
    await ports.commands.create(command('command-for-it', { createdAt: at(150) }));
    await ports.commands.create(command('command-for-others', { target: { kind: 'group', group: 'rest' } }));
    const told = { commandId: 'command-for-it', verb: 'install', expiresAt: at(9000) };
    expect((await host.send('checkIn', checkIn)).body).toMatchObject({ commands: [told], pollSeconds: 60 });
    clock.seconds = 260;
    const answered = await host.send('checkIn', { ...checkIn, outcomes: [outcome('command-for-it')] });
    expect(answered.body).toMatchObject({ commands: [], acknowledged: ['command-for-it'], pollSeconds: 60 });
    expect(await ports.commands.get('command-for-it')).toMatchObject({ outcomes: { done: 1, failed: 0 } });
    expect(ports.events.of('CommandFinished')).toEqual([
      { version: 1, verb: 'install', machineId: 'pc-1', ...outcome('command-for-it') },
    ]);
    await ports.commands.cancel('command-for-it', at(261));
    clock.seconds = 260 + 1799;
    expect((await host.send('checkIn', checkIn)).body).toMatchObject({ commands: [], pollSeconds: 60 });
    clock.seconds = 260 + 1800;
    expect((await host.send('checkIn', checkIn)).body).toMatchObject({ pollSeconds: 7200 });
  });

  it('does not ask a host to come often for ever because of one old command', async () => {
    const { host, ports, clock } = await agentsApiWithHost();
    await ports.commands.create(command('command-old', { createdAt: at(101), expiresAt: at(500_000) }));
    clock.seconds = 110;
    expect((await host.send('checkIn', checkIn)).body).toMatchObject({ pollSeconds: 60 });
    clock.seconds = 110 + 1801;
    expect((await host.send('checkIn', checkIn)).body).toMatchObject({
      commands: [{ commandId: 'command-old' }],
      pollSeconds: 7200,
    });
  });

  it('takes the first outcome of each command, and none of commands that were never for this host', async () => {
    const { host, ports } = await agentsApiWithHost();
    await ports.commands.create(command('command-for-it'));
    await ports.commands.create(command('command-for-others', { target: { kind: 'host', machineId: 'pc-2' } }));
    const outcomes = [
      outcome('command-for-it', { detail: 'first \ud800' }),
      outcome('command-for-it', { outcome: 'failed' }),
      outcome('command-for-others'),
      outcome('command-unknown'),
    ];
    const { body } = await host.send('checkIn', { ...checkIn, outcomes });
    expect(body.acknowledged).toEqual(['command-for-it', 'command-for-others', 'command-unknown']);
    expect((await ports.commands.outcomes('command-for-it', { limit: 9 })).items).toMatchObject([
      { machineId: 'pc-1', outcome: 'done', detail: 'first \ufffd' },
    ]);
    expect((await ports.commands.outcomes('command-for-others', { limit: 9 })).items).toEqual([]);
    // Told again, it stays as it is, and nobody hears of it twice.
    await host.send('checkIn', { ...checkIn, outcomes: [outcome('command-for-it', { outcome: 'failed' })] });
    expect(await ports.commands.get('command-for-it')).toMatchObject({ outcomes: { done: 1, failed: 0 } });
    expect(ports.events.of('CommandFinished')).toHaveLength(1);
  });

  it('is asked to come again when too many tell outcomes at once, and then loses none', async () => {
    const { host, ports } = await agentsApiWithHost();
    await ports.commands.create(command('command-for-it'));
    const { putOutcome } = ports.commands;
    ports.commands.putOutcome = async () => {
      throw new StoreError('conflict', 'others were writing the same items');
    };
    const telling = { ...checkIn, outcomes: [outcome('command-for-it')] };
    const busy = await host.send('checkIn', telling);
    expect(busy).toMatchObject({ status: 429, body: { code: 'throttled', retryAfterSeconds: 5 } });
    ports.commands.putOutcome = putOutcome;
    expect((await host.send('checkIn', telling)).body).toMatchObject({ acknowledged: ['command-for-it'] });
    expect(await ports.commands.get('command-for-it')).toMatchObject({ outcomes: { done: 1, failed: 0 } });
  });

  it('that does not parse is answered with what is wrong, uses up its number, and is not kept as a report', async () => {
    const { host, ports } = await agentsApiWithHost();
    const answer = await host.send('checkIn', { version: 1 });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request' } });
    expect(answer.body.detail).toContain('outcomes');
    expect(ports.hosts.records.get('pc-1')).toMatchObject({ sequence: 2 });
    expect(ports.hosts.rejected.size).toBe(0);
    expect(await host.send('checkIn', { version: 9, outcomes: [] })).toMatchObject({
      status: 400,
      body: { code: 'unsupported-version' },
    });
  });
});
