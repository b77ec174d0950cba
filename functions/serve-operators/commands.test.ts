import { beforeEach, describe, expect, it } from 'vitest';
import { fleetHostOf, get, operatorsApi, post } from '#test/kit/operators-api.ts';
import { at, guid } from '#test/kit/values.ts';

let { api, ports, clock, enrol, setFleet } = operatorsApi();
beforeEach(() => {
  ({ api, ports, clock, enrol, setFleet } = operatorsApi());
});

const wish = { version: 1 as const, verb: 'scan' as const, expiresInSeconds: 60 };
const create = (target: Parameters<typeof api.createCommand>[0]['request']['target']) =>
  api.createCommand(post({ ...wish, target }));

describe('a command', () => {
  it('to a host is for one host that is known', async () => {
    await enrol('pc-1');
    expect(await create({ kind: 'host', machineId: 'pc-1' })).toMatchObject({
      commandId: guid(1),
      expiresAt: at(160),
      matches: 1,
    });
  });

  it('to a host that is not known, or not let in any more, is refused and leaves no trace', async () => {
    await expect(create({ kind: 'host', machineId: 'pc-9' })).rejects.toMatchObject({ code: 'not-found' });
    await enrol('pc-1');
    await ports.hosts.revoke('pc-1', at(60));
    await expect(create({ kind: 'host', machineId: 'pc-1' })).rejects.toMatchObject({ code: 'revoked' });
    expect(ports.audit.entries).toEqual([]);
    expect((await api.listCommands(get())).commands).toEqual([]);
  });

  it('to a group or a filter says how many hosts it fits, none also', async () => {
    setFleet(
      fleetHostOf('pc-1'),
      fleetHostOf('pc-2', { state: 'ERROR' }),
      fleetHostOf('srv-1', { group: 'servers', os: 'Windows Server 2025' }),
    );
    expect(await create({ kind: 'group', group: 'pilots' })).toMatchObject({ matches: 2 });
    expect(await create({ kind: 'group', group: 'nobody' })).toMatchObject({ matches: 0 });
    expect(await create({ kind: 'filter', filter: { os: 'server' } })).toMatchObject({ matches: 1 });
    expect(await create({ kind: 'filter', filter: { group: 'pilots', state: 'ERROR' } })).toMatchObject({ matches: 1 });
    expect(await create({ kind: 'filter', filter: { name: 'PC-' } })).toMatchObject({ matches: 2 });
  });

  it('does not wait for hosts whose key was revoked: they are told nothing any more', async () => {
    setFleet(fleetHostOf('pc-1'), fleetHostOf('pc-2', { revokedAt: Date.parse(at(5)) }));
    expect(await create({ kind: 'group', group: 'pilots' })).toMatchObject({ matches: 1 });
    expect(await create({ kind: 'filter', filter: { name: 'pc-2' } })).toMatchObject({ matches: 0 });
  });

  it('is listed, the newest first, and shown with its outcomes over pages', async () => {
    await create({ kind: 'group', group: 'pilots' });
    clock.seconds += 1;
    await create({ kind: 'group', group: 'servers' });
    const { commands } = await api.listCommands(get());
    expect(commands.map(({ commandId }) => commandId)).toEqual([guid(2), guid(1)]);
    const outcome = { commandId: guid(1), outcome: 'done' as const, detail: '', at: at(110) };
    for (const machine of ['pc-2', 'pc-1', 'pc-3']) await ports.commands.putOutcome(machine, outcome, at(5000));
    const path = { commandId: guid(1) };
    const page = await api.getCommand(get({ path, query: { limit: '2' } }));
    expect(page).toMatchObject({ command: { outcomes: { done: 3, failed: 0 } } });
    const rest = await api.getCommand(get({ path, query: { limit: '2', cursor: page.next } }));
    expect([...page.outcomes, ...rest.outcomes].map(({ machineId }) => machineId)).toEqual(['pc-1', 'pc-2', 'pc-3']);
  });

  it('is cancelled once', async () => {
    const { commandId } = await create({ kind: 'group', group: 'pilots' });
    expect(await api.cancelCommand(post({}, { commandId }))).toMatchObject({ cancelledAt: at(100) });
    clock.seconds += 1;
    expect(await api.cancelCommand(post({}, { commandId }))).toMatchObject({ cancelledAt: at(100) });
  });

  it.each([
    ['command-9', 'not-found'],
    ['No Command', 'bad-request'],
  ])('%j: %s', async (commandId, code) => {
    await expect(api.getCommand(get({ path: { commandId } }))).rejects.toMatchObject({ code });
    await expect(api.cancelCommand(post({}, { commandId }))).rejects.toMatchObject({ code });
  });
});

describe('tokens', () => {
  it('are listed and shown without their secrets, and revoked once', async () => {
    const { view } = await api.createToken(post({ version: 1, group: 'pilots', uses: 2, expiresInSeconds: 60 }));
    const path = { tokenId: view.tokenId };
    expect((await api.listTokens(get())).tokens).toEqual([view]);
    expect(await api.getToken(get({ path }))).toEqual(view);
    clock.seconds += 5;
    expect(await api.revokeToken(post({}, path))).toEqual({ ...view, revokedAt: at(105) });
    clock.seconds += 5;
    expect(await api.revokeToken(post({}, path))).toEqual({ ...view, revokedAt: at(105) });
  });

  it.each([
    ['a'.repeat(16), 'not-found'],
    ['short', 'bad-request'],
  ])('%j: %s', async (tokenId, code) => {
    await expect(api.getToken(get({ path: { tokenId } }))).rejects.toMatchObject({ code });
    await expect(api.revokeToken(post({}, { tokenId }))).rejects.toMatchObject({ code });
  });
});

describe('the audit log', () => {
  it('is listed from a number on, in both orders, over pages', async () => {
    for (let n = 0; n < 5; n += 1) await api.startSweep(post({}));
    const numbers = async (query: Record<string, string>) =>
      (await api.listAudit(get({ query }))).entries.map(({ number }) => number);
    expect(await numbers({})).toEqual([1, 2, 3, 4, 5]);
    expect(await numbers({ from: '4' })).toEqual([4, 5]);
    expect(await numbers({ order: 'descending', limit: '2' })).toEqual([5, 4]);
    const page = await api.listAudit(get({ query: { limit: '3' } }));
    expect(page.next).toBeDefined();
    expect(await numbers({ limit: '3', cursor: page.next ?? '' })).toEqual([4, 5]);
  });

  it.each([
    ['from', '0'],
    ['from', 'one'],
    ['order', 'random'],
    ['cursor', 'made up'],
  ])('refuses the %s %j in words', async (name, value) => {
    await expect(api.listAudit(get({ query: { [name]: value } }))).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining(name),
    });
  });

  it('lists its anchors', async () => {
    const anchor = { version: 1 as const, date: '2026-07-14', number: 0, hash: '0'.repeat(64), at: at(1) };
    await ports.anchors.put(anchor);
    expect(await api.listAuditAnchors(get())).toEqual({ version: 1, anchors: [anchor], unreadable: [] });
  });
});
