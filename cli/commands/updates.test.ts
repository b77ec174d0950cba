import { beforeEach, describe, expect, it } from 'vitest';
import { serveOperators } from '#functions/serve-operators/serve-operators.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { MemoryIndexStore, MemorySyncJournal } from '#test/kit/memory-index.ts';
import { MemoryRequestStore } from '#test/kit/memory-requests.ts';
import { MemoryCatalogStore, MemoryHostStore, MemoryPayloadStore, MemoryRuleStore } from '#test/kit/memory-stores.ts';
import { at, catalogOf, guid, sha1, sha256, unit } from '#test/kit/values.ts';
import type { OperatorClient } from '../client.ts';
import { openApi } from '../testing/api.ts';
import type { CommandContext } from './context.ts';
import { listUpdates, showUpdate } from './updates.ts';

let catalog: MemoryCatalogStore;
beforeEach(() => {
  catalog = new MemoryCatalogStore();
});

/** A client that asks the real implementation without a network between. */
function clientOf(): OperatorClient {
  const api = serveOperators({
    index: new MemoryIndexStore(),
    catalog,
    journal: new MemorySyncJournal(),
    hosts: new MemoryHostStore(),
    requests: new MemoryRequestStore(),
    payloads: new MemoryPayloadStore(),
    rules: new MemoryRuleStore(),
    runs: { startSync: async () => {}, sweep: async () => ({ version: 1, queued: 0, requeued: 0 }) },
    now: () => new Date(at(0)),
    newRunId: () => 'run',
  });
  const call = async (endpoint: Endpoint, options: { params?: object; query?: object } = {}): Promise<unknown> => {
    const path = { updateId: '', ...options.params };
    const query = { ...options.query };
    if (endpoint === operatorEndpoints.getUpdate) return api.getUpdate({ request: undefined, path, query });
    if (endpoint === operatorEndpoints.listUpdates) return api.listUpdates({ request: undefined, path, query });
    throw new Error(`these commands do not ask ${endpoint.path}`);
  };
  return call as OperatorClient;
}

async function run(command: (context: CommandContext) => Promise<number>, json = false) {
  const printed = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof printed) => ({
    write: (text: string): void => {
      printed[name] += text;
    },
  });
  const io = { stdout: stream('stdout'), stderr: stream('stderr'), env: {} };
  const exitCode = await command({ io, json, call: clientOf(), sleep: async () => {} });
  return { exitCode, ...printed };
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
