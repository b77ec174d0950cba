import { beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '#shared/stores/store-error.ts';
import { ada, fleetHostOf, get, operatorsApi, post } from '#test/kit/operators-api.ts';
import { at, catalogOf, fileOf, guid, hostKeyOf, pointerOf, sha1, sha256, unit } from '#test/kit/values.ts';

let { ports, started, api, clock, setFleet, enrol } = operatorsApi();
beforeEach(() => {
  ({ ports, started, api, clock, setFleet, enrol } = operatorsApi());
});

const open = (n: number) => ports.requests.open({ sha1: sha1(`${n}`), requestedBy: 'pc-1', requestedAt: at(n) });

describe('the status', () => {
  it('of an empty broker is all zeros', async () => {
    expect(await api.getStatus(get())).toEqual({
      version: 2,
      index: { version: 1 },
      hosts: { asOf: at(90), ageSeconds: 10, total: 0, byState: { OK: 0, PENDING_UPDATES: 0, ERROR: 0, UNKNOWN: 0 } },
      requests: { byState: { open: 0, queued: 0, fetching: 0, done: 0, failed: 0 } },
      payloads: { files: 0, bytes: 0 },
      traffic: {
        month: at(100).slice(0, 7),
        served: { index: 0, files: 0 },
        direct: 0,
        fetched: { files: 0, bytes: 0 },
        savedBytes: 0,
      },
      price: { region: 'us-east-1', currency: 'USD', asOf: '2026-11', storage: 0, transfer: 0, hosts: 0, total: 0 },
    });
  });

  it('adds up what there is', async () => {
    await ports.index.moveCurrent(pointerOf(sha256('index')), undefined);
    const month = at(0).slice(0, 7);
    setFleet(
      fleetHostOf('pc-1', { received: { month, index: 3, files: 2 ** 31, direct: 1 } }),
      fleetHostOf('pc-2', { state: 'ERROR', received: { month, index: 4, files: 2 ** 31, direct: 1 } }),
    );
    await open(1);
    await ports.payloads.record({ sha1: sha1('x'), sha256: sha256('x'), size: 7, heldAt: at(0) });
    expect(await api.getStatus(get())).toMatchObject({
      index: { current: pointerOf(sha256('index')) },
      hosts: { total: 2, byState: { OK: 1, ERROR: 1 } },
      requests: { byState: { open: 1 } },
      payloads: { files: 1, bytes: 7 },
      traffic: {
        served: { index: 7, files: 2 ** 32 },
        direct: 2,
        fetched: { files: 1, bytes: 7 },
        savedBytes: 2 ** 32 - 7,
      },
      price: { transfer: 0.34 },
    });
  });
});

describe('the index', () => {
  it('shows a refusal of a later publication, and not one that was overcome', async () => {
    await ports.index.moveCurrent(pointerOf(sha256('index'), { publishedAt: at(50) }), undefined);
    await ports.journal.putRefusal({ at: at(60), reason: 'empty' });
    expect(await api.getIndex(get())).toMatchObject({ refused: { at: at(60), reason: 'empty' } });
    await ports.journal.putRefusal({ at: at(40), reason: 'empty' });
    expect(await api.getIndex(get())).not.toHaveProperty('refused');
  });

  it('is asked for by a run that can be followed at once', async () => {
    const run = await api.startSync(post({}));
    const { runId } = run;
    expect(run).toEqual({ version: 1, runId: guid(1), state: 'started', startedAt: at(100) });
    expect(started).toEqual([{ runId }]);
    expect(await api.getSync(get({ path: { runId } }))).toEqual(run);
  });

  it('is asked for with wishes', async () => {
    await api.startSync(post({ allowOlder: true, again: true }));
    expect(started).toEqual([{ runId: guid(1), allowOlder: true, again: true }]);
  });

  it('that cannot be asked for says so, and the run has ended', async () => {
    ports.runs.startSync = async () => {
      throw new Error('throttled');
    };
    await expect(api.startSync(post({}))).rejects.toMatchObject({ code: 'unavailable' });
    expect(ports.journal.runs.get(guid(1))).toMatchObject({ state: 'ended', result: { outcome: 'failed' } });
  });

  it.each([
    ['run-2', 'not-found'],
    ['../x', 'bad-request'],
  ])('run %s: %s', async (runId, code) => {
    await expect(api.getSync(get({ path: { runId } }))).rejects.toMatchObject({ name: 'ProblemError', code });
  });
});

describe('a cleaning', () => {
  it('is asked for by a run that can be followed at once', async () => {
    const run = await api.startCleaning(post({ dryRun: true }));
    const { runId } = run;
    expect(run).toEqual({
      version: 1,
      runId: guid(1),
      state: 'started',
      startedAt: at(100),
      wishes: { dryRun: true },
    });
    expect(started).toEqual([{ runId, dryRun: true }]);
    expect(await api.getCleaning(get({ path: { runId } }))).toEqual(run);
  });

  it('that cannot be asked for says so, and the run has ended', async () => {
    ports.runs.startCleaning = async () => {
      throw new Error('throttled');
    };
    await expect(api.startCleaning(post({}))).rejects.toMatchObject({ code: 'unavailable' });
    expect(ports.cleanings.runs.get(guid(1))).toMatchObject({ state: 'ended', result: { outcome: 'failed' } });
  });

  it.each([
    ['run-2', 'not-found'],
    ['../x', 'bad-request'],
  ])('run %s: %s', async (runId, code) => {
    await expect(api.getCleaning(get({ path: { runId } }))).rejects.toMatchObject({ name: 'ProblemError', code });
  });
});

describe('updates', () => {
  const kbs = ['5034441'];
  const units = [1, 2, 3].map((n) => unit(n, { kbs, createdAt: at(n) }));

  it('of a KB are listed over pages, the newest first, those that left the index among them', async () => {
    const first = catalogOf(units);
    await ports.catalog.putFacts(first, { previous: undefined, at: at(0) });
    await ports.catalog.putFacts(catalogOf(units.slice(1)), { previous: first, at: at(9) });
    const page = await api.listUpdates(get({ query: { kb: '5034441', limit: '2' } }));
    expect(page).toMatchObject({ version: 1, kb: '5034441', total: 3, unreadable: [] });
    expect(page.updates.map(({ updateId }) => updateId)).toEqual([guid(3), guid(2)]);
    const rest = await api.listUpdates(get({ query: { kb: '5034441', limit: '2', cursor: page.next } }));
    expect(rest.updates).toEqual([
      {
        updateId: guid(1),
        revision: 200,
        createdAt: at(1),
        firstPublishedAt: at(1),
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
    expect(await api.listUpdates(get({ query: { kb: '5000009' } }))).toMatchObject({ updates: [], total: 0 });
  });

  it.each([
    [{ kb: 'KB5034441' }, /kb: .*got "KB5034441"/],
    [{}, /kb: /],
    [{ kb: '5034441', cursor: 'made up' }, /cursor/],
  ])('with %o are refused in words', async (query, message) => {
    const refused = { name: 'ProblemError', code: 'bad-request', message: expect.stringMatching(message) };
    await expect(api.listUpdates(get({ query }))).rejects.toMatchObject(refused);
  });

  it('are shown with what is known of their files', async () => {
    const catalog = catalogOf([unit(1, { payload: [sha1('a'), sha1('b')], severity: 'Critical' })]);
    const files = new Map([[sha1('a'), fileOf(sha1('a'))]]);
    await ports.catalog.putFacts({ ...catalog, files }, { previous: undefined, at: at(0) });
    expect(await api.getUpdate(get({ path: { updateId: guid(1) } }))).toMatchObject({
      version: 1,
      update: { updateId: guid(1), severity: 'Critical', files: [sha1('a'), sha1('b')] },
      files: [fileOf(sha1('a')), { sha1: sha1('b') }],
    });
  });

  it('are shown with how much of them the repository has', async () => {
    const catalog = catalogOf([unit(1, { payload: [sha1('a'), sha1('b')] })]);
    await ports.catalog.putFacts(catalog, { previous: undefined, at: at(0) });
    await ports.payloads.record({ sha1: sha1('a'), sha256: sha256('a'), size: 10, heldAt: at(1) });
    await ports.requests.open({ sha1: sha1('b'), requestedBy: 'pc-1', requestedAt: at(1) });
    const claim = { messageId: 'm', receiveCount: 1, leaseUntil: at(900) };
    await ports.requests.claim(sha1('b'), claim, at(2));
    // Files of the invented catalogue have six bytes.
    const progress = { bytes: 3, of: 6, startedAt: at(0), at: at(10) };
    await ports.requests.note(sha1('b'), claim, { transfer: undefined, progress });
    expect((await api.getUpdate(get({ path: { updateId: guid(1) } }))).progress).toEqual({
      files: 2,
      filesHeld: 1,
      filesComing: 1,
      bytes: 9,
      of: 12,
      bytesPerSecond: 0.3,
      secondsLeft: 10,
    });
  });

  it.each([
    [guid(9), 'not-found'],
    ['KB5034441', 'bad-request'],
  ])('%s: %s', async (updateId, code) => {
    await expect(api.getUpdate(get({ path: { updateId } }))).rejects.toMatchObject({ code });
  });
});

describe('requests', () => {
  it('are listed by state over pages', async () => {
    for (let n = 0; n < 5; n += 1) await open(n);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await api.listRequests(get({ query: { state: 'open', limit: '2', cursor } }));
      seen.push(...page.requests.map((request) => request.sha1));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(seen).toEqual([0, 1, 2, 3, 4].map((n) => sha1(`${n}`)));
    expect((await api.listRequests(get({ query: { state: 'done' } }))).requests).toEqual([]);
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
    await expect(api.listRequests(get({ query: { [name]: value } }))).rejects.toEqual(refused);
  });

  it('are swept, or it is said why not', async () => {
    expect(await api.startSweep(post({}))).toEqual({ version: 1, queued: 2, requeued: 1 });
    ports.runs.sweep = async () => {
      throw new StoreError('refused', 'the sweep failed (Unhandled)');
    };
    await expect(api.startSweep(post({}))).rejects.toMatchObject({ code: 'unavailable', message: /Unhandled/ });
  });
});

describe('files', () => {
  const record = (n: number) => ({
    sha1: sha1(`${n}`),
    sha256: sha256(`${n}`),
    size: n,
    name: `${n}.cab`,
    heldAt: at(n),
  });

  it('that are held are listed over pages, the newest first', async () => {
    for (const n of [1, 2, 3]) await ports.payloads.record(record(n));
    const page = await api.listFiles(get({ query: { limit: '2' } }));
    expect(page.files[0]).toEqual(record(3));
    const rest = await api.listFiles(get({ query: { limit: '2', cursor: page.next } }));
    expect([...page.files, ...rest.files].map(({ size }) => size)).toEqual([3, 2, 1]);
    await expect(api.listFiles(get({ query: { cursor: 'x' } }))).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('are shown with all that is known of one', async () => {
    const digest = sha1('1');
    await ports.catalog.putFileFacts([fileOf(digest)]);
    expect(await api.getFile(get({ path: { sha1: digest } }))).toEqual({ version: 1, ...fileOf(digest) });
    await open(1);
    await ports.payloads.record(record(1));
    const { name: _, ...held } = record(1);
    expect(await api.getFile(get({ path: { sha1: digest } }))).toMatchObject({
      name: fileOf(digest).name,
      held,
      request: { state: 'open', requestedBy: 'pc-1' },
    });
  });

  it('that was taken out says since when', async () => {
    const { payloads } = ports;
    payloads.retired.set(record(1).sha1, { ...record(1), state: 'retired', retiredAt: at(50) });
    const view = await api.getFile(get({ path: { sha1: record(1).sha1 } }));
    expect(view).toMatchObject({ retiredAt: at(50) });
    expect(view).not.toHaveProperty('held');
  });

  it.each([
    [sha1('9'), 'not-found'],
    ['KB5034441', 'bad-request'],
  ])('%s: %s', async (digest, code) => {
    await expect(api.getFile(get({ path: { sha1: digest } }))).rejects.toMatchObject({ code });
  });
});

describe('a host', () => {
  it('is shown live', async () => {
    await enrol('pc-1');
    expect(await api.getHost(get({ path: { machineId: 'pc-1' } }))).toMatchObject({
      summary: { machineId: 'pc-1', group: 'pilots', state: 'UNKNOWN' },
      keyThumbprint: hostKeyOf('pc-1').thumbprint,
    });
  });

  it.each([
    ['pc-9', 'not-found'],
    ['no machine id', 'bad-request'],
  ])('%j: %s', async (machineId, code) => {
    await expect(api.getHost(get({ path: { machineId } }))).rejects.toMatchObject({ code });
    await expect(api.revokeHost(post({ version: 1 }, { machineId }))).rejects.toMatchObject({ code });
    expect(ports.audit.entries).toEqual([]);
  });

  it('is revoked, and the first time stays', async () => {
    await enrol('pc-1');
    const revoke = () => api.revokeHost(post({ version: 1, reason: 'stolen' }, { machineId: 'pc-1' }));
    expect(await revoke()).toMatchObject({ summary: { revokedAt: at(100) }, revocationReason: 'stolen' });
    clock.seconds = 200;
    expect(await revoke()).toMatchObject({ summary: { revokedAt: at(100) } });
  });
});

describe('the caller', () => {
  it('is told who it is', async () => {
    expect(await api.getMe(get())).toEqual({ version: 1, ...ada });
  });
});
