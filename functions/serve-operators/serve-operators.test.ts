import { beforeEach, describe, expect, it } from 'vitest';
import type { SyncWishes } from '#shared/contract/messages/sync-index.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { MemoryIndexStore, MemorySyncJournal } from '#test/kit/memory-index.ts';
import { MemoryRequestStore } from '#test/kit/memory-requests.ts';
import { MemoryCatalogStore, MemoryHostStore, MemoryPayloadStore, MemoryRuleStore } from '#test/kit/memory-stores.ts';
import { at, catalogOf, fileOf, guid, pointerOf, reportOf, sha1, sha256, unit } from '#test/kit/values.ts';
import { type OperatorPorts, serveOperators } from './serve-operators.ts';

const make = () => {
  const started: ({ runId: string } & SyncWishes)[] = [];
  const ports = {
    index: new MemoryIndexStore(),
    catalog: new MemoryCatalogStore(),
    journal: new MemorySyncJournal(),
    hosts: new MemoryHostStore(),
    requests: new MemoryRequestStore(),
    payloads: new MemoryPayloadStore(),
    rules: new MemoryRuleStore(),
    runs: {
      startSync: async (runId: string, wishes: SyncWishes) => {
        started.push({ runId, ...wishes });
      },
      sweep: async () => ({ version: 1 as const, queued: 2, requeued: 1 }),
    },
    now: () => new Date(at(100)),
    newRunId: () => 'run-1',
  } satisfies OperatorPorts;
  return { ports, started, api: serveOperators(ports) };
};
let { ports, started, api } = make();
beforeEach(() => {
  ({ ports, started, api } = make());
});

const nothing = { request: undefined, path: {}, query: {} } as const;
const post = { request: {}, path: {}, query: {} } as const;
const open = (n: number) => ports.requests.open({ sha1: sha1(`${n}`), requestedBy: 'pc-1', requestedAt: at(n) });

describe('the status', () => {
  it('of an empty broker is all zeros', async () => {
    expect(await api.getStatus(nothing)).toEqual({
      version: 1,
      index: { version: 1 },
      hosts: { total: 0, byState: { OK: 0, PENDING_UPDATES: 0, ERROR: 0 } },
      requests: { byState: { open: 0, queued: 0, fetching: 0, done: 0, failed: 0 } },
      payloads: { files: 0, bytes: 0 },
    });
  });

  it('adds up what there is', async () => {
    await ports.index.moveCurrent(pointerOf(sha256('index')), undefined);
    for (const name of ['pc-1', 'pc-2']) await ports.hosts.put(reportOf(name), { receivedAt: at(1), refused: [] });
    await open(1);
    await ports.payloads.record({ sha1: sha1('x'), sha256: sha256('x'), size: 7, heldAt: at(0) });
    expect(await api.getStatus(nothing)).toMatchObject({
      index: { current: pointerOf(sha256('index')) },
      hosts: { total: 2, byState: { OK: 2 } },
      requests: { byState: { open: 1 } },
      payloads: { files: 1, bytes: 7 },
    });
  });
});

describe('the index', () => {
  it('shows a refusal of a later publication, and not one that was overcome', async () => {
    await ports.index.moveCurrent(pointerOf(sha256('index'), { publishedAt: at(50) }), undefined);
    await ports.journal.putRefusal({ at: at(60), reason: 'empty' });
    expect(await api.getIndex(nothing)).toMatchObject({ refused: { at: at(60), reason: 'empty' } });
    await ports.journal.putRefusal({ at: at(40), reason: 'empty' });
    expect(await api.getIndex(nothing)).not.toHaveProperty('refused');
  });

  it('is asked for by a run that can be followed at once', async () => {
    const run = { version: 1, runId: 'run-1', state: 'started', startedAt: at(100) };
    expect(await api.startSync(post)).toEqual(run);
    expect(started).toEqual([{ runId: 'run-1' }]);
    expect(await api.getSync({ ...nothing, path: { runId: 'run-1' } })).toEqual(run);
  });

  it('is asked for with wishes', async () => {
    await api.startSync({ ...post, request: { allowOlder: true, again: true } });
    expect(started).toEqual([{ runId: 'run-1', allowOlder: true, again: true }]);
  });

  it('that cannot be asked for says so, and the run has ended', async () => {
    ports.runs.startSync = async () => {
      throw new Error('throttled');
    };
    await expect(api.startSync(post)).rejects.toMatchObject({ code: 'unavailable' });
    expect(ports.journal.runs.get('run-1')).toMatchObject({ state: 'ended', result: { outcome: 'failed' } });
  });

  it.each([
    ['run-2', 'not-found'],
    ['../x', 'bad-request'],
  ])('run %s: %s', async (runId, code) => {
    await expect(api.getSync({ ...nothing, path: { runId } })).rejects.toMatchObject({ name: 'ProblemError', code });
  });
});

describe('updates', () => {
  const kbs = ['5034441'];
  const units = [1, 2, 3].map((n) => unit(n, { kbs, createdAt: at(n) }));

  it('of a KB are listed over pages, the newest first, those that left the index among them', async () => {
    const first = catalogOf(units);
    await ports.catalog.putFacts(first, { previous: undefined, at: at(0) });
    await ports.catalog.putFacts(catalogOf(units.slice(1)), { previous: first, at: at(9) });
    const page = await api.listUpdates({ ...nothing, query: { kb: '5034441', limit: '2' } });
    expect(page).toMatchObject({ version: 1, kb: '5034441', total: 3, unreadable: [] });
    expect(page.updates.map(({ updateId }) => updateId)).toEqual([guid(3), guid(2)]);
    const rest = await api.listUpdates({ ...nothing, query: { kb: '5034441', limit: '2', cursor: page.next } });
    expect(rest.updates).toEqual([
      {
        updateId: guid(1),
        revision: 200,
        createdAt: at(1),
        title: 'Update 1 (KB5000001)',
        kbs,
        products: [],
        bytes: 6,
        files: 1,
        supersededBy: 0,
        withdrawnAt: at(9),
      },
    ]);
    expect(rest).not.toHaveProperty('next');
    expect(await api.listUpdates({ ...nothing, query: { kb: '5000009' } })).toMatchObject({ updates: [], total: 0 });
  });

  it.each([
    [{ kb: 'KB5034441' }, /kb: .*got "KB5034441"/],
    [{}, /kb: /],
    [{ kb: '5034441', cursor: 'made up' }, /cursor/],
  ])('with %o are refused in words', async (query, message) => {
    const refused = { name: 'ProblemError', code: 'bad-request', message: expect.stringMatching(message) };
    await expect(api.listUpdates({ ...nothing, query })).rejects.toMatchObject(refused);
  });

  it('are shown with what is known of their files', async () => {
    const catalog = catalogOf([unit(1, { payload: [sha1('a'), sha1('b')], severity: 'Critical' })]);
    const files = new Map([[sha1('a'), fileOf(sha1('a'))]]);
    await ports.catalog.putFacts({ ...catalog, files }, { previous: undefined, at: at(0) });
    expect(await api.getUpdate({ ...nothing, path: { updateId: guid(1) } })).toMatchObject({
      version: 1,
      update: { updateId: guid(1), severity: 'Critical', files: [sha1('a'), sha1('b')] },
      files: [fileOf(sha1('a')), { sha1: sha1('b') }],
    });
  });

  it.each([
    [guid(9), 'not-found'],
    ['KB5034441', 'bad-request'],
  ])('%s: %s', async (updateId, code) => {
    await expect(api.getUpdate({ ...nothing, path: { updateId } })).rejects.toMatchObject({ code });
  });
});

describe('requests', () => {
  it('are listed by state over pages', async () => {
    for (let n = 0; n < 5; n += 1) await open(n);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await api.listRequests({ ...nothing, query: { state: 'open', limit: '2', cursor } });
      seen.push(...page.requests.map((request) => request.sha1));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(seen).toEqual([0, 1, 2, 3, 4].map((n) => sha1(`${n}`)));
    expect((await api.listRequests({ ...nothing, query: { state: 'done' } })).requests).toEqual([]);
  });

  it.each([
    ['state', 'lost', /state: .*"open".*got "lost"/],
    ['limit', '0', /limit: .*1.*got/],
    ['limit', '501', /limit: .*500.*got/],
    ['limit', 'all', /limit: .*number/],
    ['limit', '1.5', /limit: .*int/],
    ['cursor', 'made up', /cursor/],
  ])('refuse the %s %j in words', async (name, value, message) => {
    const refused = expect.objectContaining({
      name: 'ProblemError',
      code: 'bad-request',
      message: expect.stringMatching(message),
    });
    await expect(api.listRequests({ ...nothing, query: { [name]: value } })).rejects.toEqual(refused);
  });

  it('are swept, or it is said why not', async () => {
    expect(await api.startSweep(post)).toEqual({ version: 1, queued: 2, requeued: 1 });
    ports.runs.sweep = async () => {
      throw new StoreError('refused', 'the sweep failed (Unhandled)');
    };
    await expect(api.startSweep(post)).rejects.toMatchObject({ code: 'unavailable', message: /Unhandled/ });
  });
});

describe('hosts', () => {
  it('are listed and shown', async () => {
    const report = reportOf('pc-1');
    await ports.hosts.put(report, { receivedAt: at(1), refused: [] });
    expect((await api.listHosts(nothing)).hosts.map(({ machineId }) => machineId)).toEqual(['pc-1']);
    expect(await api.getHost({ ...nothing, path: { machineId: 'pc-1' } })).toMatchObject({ report });
  });

  it.each([
    ['pc-9', 'not-found'],
    ['no machine id', 'bad-request'],
  ])('%j: %s', async (machineId, code) => {
    await expect(api.getHost({ ...nothing, path: { machineId } })).rejects.toMatchObject({ code });
  });

  it('refuse a cursor that nobody gave out', async () => {
    await expect(api.listHosts({ ...nothing, query: { cursor: 'x' } })).rejects.toMatchObject({ code: 'bad-request' });
  });
});

describe('rules', () => {
  const rules = { defaultAllow: true, allowedKbs: [], forbiddenKbs: ['5000001'], allowedSeverities: [] };
  const change = (expectedRevision: number) => ({ ...post, request: { version: 1 as const, expectedRevision, rules } });

  it('are replaced, and the change is dated', async () => {
    const written = { ...rules, version: 1, revision: 1, changedAt: at(100) };
    expect(await api.putRules(change(0))).toEqual(written);
    expect(await api.getRules(nothing)).toEqual(written);
  });

  it('are not replaced by somebody who has not seen the last change', async () => {
    await api.putRules(change(0));
    await expect(api.putRules(change(0))).rejects.toMatchObject({ name: 'ProblemError', code: 'conflict' });
  });
});
