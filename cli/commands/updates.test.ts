import { beforeEach, describe, expect, it } from 'vitest';
import { updatesApi } from '#functions/serve-operators/updates.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { MemoryRequestStore } from '#test/kit/memory-requests.ts';
import { MemoryCatalogStore, MemoryPayloadStore } from '#test/kit/memory-stores.ts';
import { at, catalogOf, guid, sha1, sha256, unit } from '#test/kit/values.ts';
import type { OperatorClient } from '../client.ts';
import { openApi } from '../testing/api.ts';
import { testContext } from '../testing/context.ts';
import { snapshot } from '../testing/values.ts';
import type { CommandContext } from './context.ts';
import { listReportedUpdates } from './reported-updates.ts';
import { listUpdates, showUpdate } from './updates.ts';

let catalog: MemoryCatalogStore;
beforeEach(() => {
  catalog = new MemoryCatalogStore();
});

/** The command against the real implementation, without a network between. */
async function run(command: (context: CommandContext) => Promise<number>, json = false) {
  const api = updatesApi({ catalog, payloads: new MemoryPayloadStore(), requests: new MemoryRequestStore() });
  const test = testContext(() => undefined, { json });
  const call = async (endpoint: Endpoint, options: { params?: object; query?: object } = {}): Promise<unknown> => {
    const caller = { subject: 'a', name: 'Ann', role: 'viewer' } as const;
    const given = { request: undefined, caller, from: { address: '127.0.0.1' }, requestId: 'r' };
    const asked = { ...given, path: { ...options.params }, query: { ...options.query } };
    if (endpoint === operatorEndpoints.getUpdate) return api.getUpdate(asked);
    if (endpoint === operatorEndpoints.listUpdates) return api.listUpdates(asked);
    throw new Error(`these commands do not ask ${endpoint.path}`);
  };
  const exitCode = await command({ ...test.context, call: call as OperatorClient });
  return { exitCode, ...test.printed };
}

describe('kbroker updates list', () => {
  it('lists the updates of several KBs over all pages, each once, and names KBs that no index had', async () => {
    const many = Array.from({ length: 130 }, (_, n) => unit(n + 1, { kbs: ['5034441'], createdAt: at(n) }));
    const first = catalogOf([
      ...many,
      unit(500, { kbs: ['5034441', '5034442'], severity: 'Critical', createdAt: at(900) }),
      unit(501, { kbs: ['5034442'], supersededBy: [500] }),
    ]);
    await catalog.putFacts(first, { previous: undefined, at: at(0) });
    await catalog.putFacts(catalogOf([...first.updates.values()].slice(1)), { previous: first, at: at(9) });
    const kbs = ['KB5034441', '5034442', 'kb5034442', '5099999'];
    const { exitCode, stdout, stderr } = await run((context) => listUpdates(context, kbs));
    expect(exitCode).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 132);
    expect(lines[1]).toMatch(/^2026-07-14 {2}KB5034441 KB5034442 {2}Critical {2}current {5}6 B {3}/);
    expect(stdout).toMatch(new RegExp(`superseded .*${guid(501)}`));
    expect(stdout).toMatch(new RegExp(`withdrawn .*${guid(1)} `));
    expect(stderr).toBe('no index named an update with KB5099999\n');
    const { stdout: json } = await run((context) => listUpdates(context, kbs), true);
    expect(JSON.parse(json)).toMatchObject({ version: 1, updates: { length: 132 }, unreadable: [] });
  });

  it.each(['KB12', '50344a1', ''])('refuses %j, and says what a KB number is', async (kb) => {
    await expect(run((context) => listUpdates(context, [kb]))).rejects.toMatchObject({
      name: 'CliError',
      code: 'usage',
      message: `not a KB number: got ${JSON.stringify(kb)}, expected five to eight digits as in KB5034441`,
    });
  });
});

describe('kbroker updates show', () => {
  it('shows an update with its files, whatever the case of the id', async () => {
    const cves = Array.from({ length: 501 }, (_, n) => `CVE-2026-${n}`);
    await catalog.putFacts(catalogOf([unit(0xa, { cves, supersededBy: [2], reboot: 'always' }), unit(2)]), {
      previous: undefined,
      at: at(0),
    });
    const show = (context: CommandContext) => showUpdate(context, guid(0xa).toUpperCase());
    const { exitCode, stdout } = await run(show);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Update 10 \(KB5000010\)\n/);
    expect(stdout).toContain(`  id           ${guid(0xa)}, revision 200, created ${at(0)}\n`);
    expect(stdout).toContain(`  replaced by  ${guid(2)}_200\n`);
    expect(stdout).toContain('CVE-2026-499, and 1 more\n');
    expect(stdout).toContain('  size         6 B in 1 files\n');
    expect(stdout).toContain(`SHA-1 ${sha1('file 10')}, SHA-256 ${sha256(sha1('file 10'))}`);
    expect(JSON.parse((await run(show, true)).stdout)).toMatchObject({ version: 1, update: { totals: { cves: 501 } } });
  });

  it('says when it was first published where that was in another revision', async () => {
    const first = catalogOf([unit(0xa)]);
    await catalog.putFacts(first, { previous: undefined, at: at(0) });
    const show = (context: CommandContext) => showUpdate(context, guid(0xa));
    expect((await run(show)).stdout).not.toContain('published');
    const next = catalogOf([unit(0xa, { revision: 201, createdAt: at(70) })]);
    await catalog.putFacts(next, { previous: first, at: at(80) });
    const { stdout } = await run(show);
    expect(stdout).toContain(`revision 201, created ${at(70)}\n  published    first at ${at(0)}\n`);
  });

  it('watches until no file of it is on its way any more', async () => {
    const files = [sha1('file 10')];
    await catalog.putFacts(catalogOf([unit(0xa)]), { previous: undefined, at: at(0) });
    const asked = new MemoryRequestStore();
    const payloads = new MemoryPayloadStore();
    for (const file of files) await asked.open({ sha1: file, requestedBy: 'pc-1', requestedAt: at(0) });
    const api = updatesApi({ catalog, payloads, requests: asked });
    const test = testContext(() => undefined, { json: true });
    let slept = 0;
    const context = {
      ...test.context,
      call: (async () =>
        api.getUpdate({
          request: undefined,
          caller: { subject: 'a', name: 'Ann', role: 'viewer' },
          from: { address: '127.0.0.1' },
          requestId: 'r',
          path: { updateId: guid(0xa) },
          query: {},
        })) as OperatorClient,
      sleep: async () => {
        slept += 1;
        if (slept < 3) return;
        for (const file of files) await payloads.record({ sha1: file, sha256: sha256('x'), size: 6, heldAt: at(9) });
      },
    };
    expect(await showUpdate(context, guid(0xa), { watch: true })).toBe(0);
    const looks = test.printed.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).progress);
    expect(looks.map(({ filesHeld, filesComing }) => [filesHeld, filesComing])).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
      [1, 0],
    ]);
  });

  it('takes the id with its revision, and no other revision', async () => {
    await catalog.putFacts(catalogOf([unit(0xa)]), { previous: undefined, at: at(0) });
    expect((await run((context) => showUpdate(context, `${guid(0xa)}_200`))).exitCode).toBe(0);
    await expect(run((context) => showUpdate(context, `${guid(0xa)}_100`))).rejects.toMatchObject({
      code: 'not-found',
      message: `of the update ${guid(0xa)} revision 200 is known, and not 100`,
    });
  });

  it.each([
    [
      'KB5034441',
      /^kbroker: not an UpdateId: got "KB5034441", .*; KB numbers are for --kb, as in kbroker updates list/,
    ],
    ['', /^kbroker: not an UpdateId: got ""/],
    ['x_y', /^kbroker: not an UpdateId: got "x_y"/],
  ])('sends nothing for %j', async (id, message) => {
    const api = await openApi();
    try {
      const { exitCode, stderr } = await api.ask('updates', 'show', id);
      expect(stderr).toMatch(message);
      expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
    } finally {
      await api.close();
    }
  });

  it('passes on that there is none', async () => {
    await expect(run((context) => showUpdate(context, guid(9)))).rejects.toBeInstanceOf(ProblemError);
  });
});

describe('kbroker updates reported', () => {
  const counts = { OK: 4, PENDING: 0, MISSING: 3, DISCARDED: 0, ERROR: 0, SUPERSEDED: 0 };
  const page = (n: number, more: object = {}) => ({
    version: 1,
    ...snapshot,
    total: 2,
    updates: [{ updateId: guid(n), revision: 200, kbs: ['5034441'], title: `Update ${n}`, hosts: counts }],
    ...more,
  });

  it('counts hosts by state, over all pages', async () => {
    const { context, printed, calls } = testContext(({ url }) =>
      url.includes('cursor=two') ? page(2) : page(1, { next: 'two' }),
    );
    expect(await listReportedUpdates(context, { kb: 'KB5034441', state: 'MISSING', group: 'pilots' })).toBe(0);
    expect(calls[0]?.url).toBe('/v1/updates/reported?kb=5034441&state=MISSING&group=pilots&limit=500');
    expect(printed.stdout.split('\n').slice(1)).toEqual([
      expect.stringMatching(/^KB5034441 {2}4 +0 +3 +0 +0 +0 .*_200 {2}Update 1$/),
      expect.stringMatching(/Update 2$/),
      '',
    ]);
    expect(printed.stderr).toBe(`2 updates, as of ${at(0)} (1 min ago)\n`);
  });

  it('has JSON with the age of the snapshot', async () => {
    const { context, printed } = testContext(() => page(1), { json: true });
    await listReportedUpdates(context, {});
    expect(JSON.parse(printed.stdout)).toMatchObject({
      total: 2,
      ageSeconds: 90,
      updates: [{ hosts: { MISSING: 3 } }],
    });
  });

  it.each([
    [{ kb: 'x' }, /not a KB number/],
    [{ group: 'a b' }, /not a name of a group/],
  ])('%j is a usage error, and nothing is sent', async (flags, message) => {
    const { context, calls } = testContext(() => page(1));
    await expect(listReportedUpdates(context, flags)).rejects.toThrow(message);
    expect(calls).toEqual([]);
  });
});
