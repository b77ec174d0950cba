import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostReport, type ReportedUpdate, reportBounds } from '#shared/contract/agent/report.ts';
import { changesBetween, orderReport, reportText } from '#shared/contract/agent/report-changes.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { agentsApiWithHost } from '#test/kit/agents-api.ts';
import { type CapturedLog, captureLog } from '#test/kit/invoke.ts';
import { at, fileOf, guid, hostFactsOf, reportOf, sha1, sha256 } from '#test/kit/values.ts';

/** Whole reports, changes and what they need, told on one host that would be set up in each part again: hence the length. */

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

const scan = { at: at(90), milliseconds: 12 };
const hashOf = (report: HostReport): string => createHash('sha256').update(reportText(report)).digest('hex');
const whole = (report: HostReport, more = {}) => ({ version: 2, kind: 'whole', scan, report, ...more });
const changes = (base: HostReport, next: HostReport, more = {}) => ({
  version: 2,
  kind: 'changes',
  scan,
  base: hashOf(base),
  result: hashOf(next),
  changes: changesBetween(base, next),
  ...more,
});
const update = (n: number, more: Partial<ReportedUpdate> = {}): ReportedUpdate => ({
  updateId: guid(n),
  revision: 1,
  kbs: [],
  state: 'MISSING',
  reason: 'a file is missing',
  files: [sha1(`file ${n}`)],
  ...more,
});

async function make() {
  const made = await agentsApiWithHost();
  await made.ports.catalog.putFileFacts(['a', 'b', 'c', 'd'].map((name) => fileOf(sha1(name))));
  return { ...made, row: () => made.ports.hosts.records.get('pc-1') };
}

describe('a whole report', () => {
  it('is kept in its one order, under its hash', async () => {
    const { host, ports, row } = await make();
    const report = reportOf('pc-1', { updates: [update(2), update(1, { state: 'OK' })], needs: [] });
    const ordered = orderReport(report);
    expect((await host.send('postReport', whole(report))).body).toEqual({
      version: 2,
      hash: hashOf(ordered),
      requested: [],
      refused: [],
    });
    expect(await ports.hosts.report('pc-1')).toMatchObject({ report: ordered, scan, reportVersion: 1 });
    expect(row()).toMatchObject({
      reportHash: hashOf(ordered),
      state: 'PENDING_UPDATES',
      sequence: 2,
      scannedAt: at(90),
    });
  });

  it('that is the one that is kept moves times of the host, and writes no report', async () => {
    const { host, ports, row, clock } = await make();
    const report = reportOf('pc-1', { updates: [update(1)], needs: [sha1('late')] });
    await host.send('postReport', whole(report));
    clock.seconds = 500;
    const again = () => host.send('postReport', whole(report, { scan: { at: at(490), milliseconds: 9 } }));
    expect(await again()).toMatchObject({ status: 200, body: { hash: hashOf(report), refused: { length: 1 } } });
    expect(row()).toMatchObject({ reportVersion: 1, reportedAt: at(500), scannedAt: at(490), lastSeenAt: at(500) });
    expect((await ports.hosts.view('pc-1'))?.last).toMatchObject({ report, scan: { at: at(490) } });
    // What was refused of it is part of what is kept.
    await ports.catalog.putFileFacts([fileOf(sha1('late'))]);
    expect(await again()).toMatchObject({ body: { requested: [sha1('late')], refused: [] } });
    expect(await ports.hosts.report('pc-1')).toMatchObject({ refused: [], reportVersion: 2 });
    // One that cannot be read any more is replaced.
    const read = ports.hosts.report.bind(ports.hosts);
    ports.hosts.report = async () => {
      throw new StoreError('corrupt', 'the stored report of pc-1 does not parse');
    };
    await again();
    expect(await read('pc-1')).toMatchObject({ reportVersion: 3 });
  });

  it('of another machine is refused: a host speaks for itself only', async () => {
    const { host, ports, row } = await make();
    const answer = await host.send('postReport', whole(reportOf('pc-2')));
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request' } });
    expect(answer.body.detail).toMatch(/host.machineId is pc-2, and the request is by pc-1/);
    expect(await ports.hosts.report('pc-1')).toBeUndefined();
    expect(ports.hosts.records.size).toBe(1);
    // It was a request like any other.
    expect(row()).toMatchObject({ sequence: 2, reportVersion: 0 });
  });

  it('that is too large to keep is refused in words', async () => {
    const { host, row } = await make();
    const updates = Array.from({ length: 600 }, (_, n) =>
      update(n, { files: Array.from({ length: 50 }, (__, f) => sha1(`${n} ${f}`)) }),
    );
    const answer = await host.send('postReport', whole(reportOf('pc-1', { updates })), { gzip: true });
    expect(answer).toMatchObject({ status: 413, body: { code: 'too-large' } });
    expect(row()).toMatchObject({ sequence: 2, reportVersion: 0 });
  });

  it('that does not parse is answered with what is wrong and kept aside; the last good one stays', async () => {
    const { host, ports, row } = await make();
    await host.send('postReport', whole(reportOf('pc-1')));
    const bad = { ...reportOf('pc-1'), updates: [{ ...update(1), state: 'BROKEN' }] };
    const answer = await host.send('postReport', { version: 2, kind: 'whole', scan, report: bad });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request' } });
    expect(answer.body.detail).toContain('report.updates.0.state');
    const view = await ports.hosts.view('pc-1');
    expect(view?.rejected).toEqual({ at: at(100), reason: answer.body.detail, bytes: expect.any(Number) });
    expect(view?.last?.hash).toBe(hashOf(reportOf('pc-1')));
    expect(row()).toMatchObject({ sequence: 3, reportVersion: 1 });

    await host.send('postReport', Buffer.from('{"version":2'));
    expect(Buffer.from(ports.hosts.rejected.get('pc-1')?.body ?? []).toString()).toBe('{"version":2');
    // Repeated by somebody else, it is not even kept.
    ports.hosts.rejected.clear();
    const again = await host.send('postReport', Buffer.from('{'), { sequence: 3 });
    expect(again).toMatchObject({ status: 409, body: { code: 'replayed' } });
    expect(ports.hosts.rejected.size).toBe(0);
  });
});

describe('changes of a report', () => {
  const base = orderReport(reportOf('pc-1', { updates: [update(1), update(2)], needs: [sha1('a')] }));
  const next = orderReport({ ...base, updates: [update(2, { state: 'OK', reason: 'installed' })], rulesRevision: 2 });

  it('lead to the next one', async () => {
    const { host, ports, row } = await make();
    await host.send('postReport', whole(base));
    const answer = await host.send('postReport', changes(base, next));
    expect(answer).toMatchObject({ status: 200, body: { hash: hashOf(next), requested: [sha1('a')] } });
    expect(await ports.hosts.report('pc-1')).toMatchObject({ report: next, hash: hashOf(next), reportVersion: 2 });
    expect(row()).toMatchObject({ state: 'OK', reportHash: hashOf(next) });
  });

  it('to one that the broker does not have are refused: before any, and to an older one', async () => {
    const { host, row } = await make();
    const unknown = { status: 409, body: { code: 'unknown-base' } };
    expect(await host.send('postReport', changes(base, next))).toMatchObject(unknown);
    await host.send('postReport', whole(base));
    await host.send('postReport', changes(base, next));
    expect(await host.send('postReport', changes(base, next))).toMatchObject(unknown);
    expect(row()).toMatchObject({ sequence: 5, reportVersion: 2, reportHash: hashOf(next) });
  });

  it('to one that does not parse any more are answered with "send the whole", which takes its place', async () => {
    const { host, ports } = await make();
    await host.send('postReport', whole(base));
    ports.hosts.report = async () => {
      throw new StoreError('corrupt', 'the stored report of pc-1 does not parse');
    };
    const answer = await host.send('postReport', changes(base, next));
    expect(answer).toMatchObject({ status: 409, body: { code: 'unknown-base' } });
    expect(await host.send('postReport', whole(next))).toMatchObject({ status: 200, body: { hash: hashOf(next) } });
    expect(ports.hosts.reports.get('pc-1')?.hash).toBe(hashOf(next));
  });

  it('that do not lead where they say are refused, and nothing is stored', async () => {
    const { host, ports } = await make();
    await host.send('postReport', whole(base));
    const answer = await host.send('postReport', changes(base, next, { result: sha256('another') }));
    expect(answer).toMatchObject({ status: 409, body: { code: 'unknown-base' } });
    expect(answer.body.detail).toMatch(/send the whole/);
    expect((await ports.hosts.report('pc-1'))?.hash).toBe(hashOf(base));
  });

  it('cannot carry a report out of bounds, nor to another machine, nor to one that says nothing', async () => {
    const { host, ports } = await make();
    const many = orderReport({
      ...base,
      updates: Array.from({ length: reportBounds.updates }, (_, n) => update(n, { files: [] })),
    });
    await host.send('postReport', whole(many));
    const one = { set: [update(9999)], removed: [] };
    const none = { added: [], removed: [] };
    const on = (more: object) => ({
      ...changes(many, many),
      changes: { updates: { set: [], removed: [] }, needs: none, ...more },
    });
    const bad = { status: 400, body: { code: 'bad-request' } };
    expect(await host.send('postReport', on({ updates: one }))).toMatchObject(bad);
    expect(await host.send('postReport', on({ host: hostFactsOf('pc-2') }))).toMatchObject(bad);
    expect(await host.send('postReport', on({ indexSha256: null }))).toMatchObject(bad);
    expect((await ports.hosts.report('pc-1'))?.hash).toBe(hashOf(many));
  });

  it('that change nothing ask for files again, and do not write the report again', async () => {
    const { host, ports, row, clock } = await make();
    await host.send('postReport', whole(base));
    const claim = { messageId: 'm', receiveCount: 3, leaseUntil: at(900) };
    await ports.requests.claim(sha1('a'), claim, at(101));
    await ports.requests.fail(sha1('a'), claim, { at: at(102), error: 'wrong bytes', final: true });
    const nothing = () => changes(base, base, { scan: { at: at(clock.seconds), milliseconds: 9 } });
    expect((await host.send('postReport', nothing())).body).toMatchObject({ hash: hashOf(base), requested: [] });
    clock.seconds = 1102;
    expect((await host.send('postReport', nothing())).body).toMatchObject({ requested: [sha1('a')] });
    expect(row()).toMatchObject({
      reportVersion: 1,
      scannedAt: at(1102),
      lastSeenAt: at(1102),
      reportedAt: at(1102),
    });
  });

  it('that change nothing but what is refused of them keep that', async () => {
    const { host, ports } = await make();
    const forged = orderReport({ ...base, needs: [sha1('late')] });
    await host.send('postReport', whole(forged));
    expect((await ports.hosts.report('pc-1'))?.refused).toHaveLength(1);
    await ports.catalog.putFileFacts([fileOf(sha1('late'))]);
    expect((await host.send('postReport', changes(forged, forged))).body).toMatchObject({ requested: [sha1('late')] });
    expect(await ports.hosts.report('pc-1')).toMatchObject({ refused: [], reportVersion: 2 });
  });
});

describe('what a report needs', () => {
  const needing = (machineId: string, ...needs: string[]) => whole(orderReport(reportOf(machineId, { needs })));
  const hold = (ports: Awaited<ReturnType<typeof make>>['ports'], name: string) =>
    ports.payloads.record({ sha1: sha1(name), sha256: sha256(name), size: 6, heldAt: at(0) });

  it('is requested when the repository lacks it, with facts of the catalogue', async () => {
    const { host, ports } = await make();
    await hold(ports, 'b');
    const answer = await host.send('postReport', needing('pc-1', sha1('a'), sha1('b'), sha1('a')));
    expect(answer.body).toMatchObject({ requested: [sha1('a')], refused: [] });
    expect([...(await ports.requests.get([sha1('a'), sha1('b')])).values()]).toEqual([
      {
        version: 1,
        sha1: sha1('a'),
        state: 'open',
        name: fileOf(sha1('a')).name,
        size: 6,
        requestedAt: at(100),
        requestedBy: 'pc-1',
        attempts: 0,
      },
    ]);
  });

  it('by a second host opens nothing again, and is said to be under way', async () => {
    const { host, api, ports, clock } = await make();
    await host.send('postReport', needing('pc-1', sha1('a')));
    clock.seconds = 200;
    const second = await api.newHost('pc-2');
    await second.enrol();
    const { body } = await second.send('postReport', needing('pc-2', sha1('a'), sha1('c')));
    expect([...(body.requested as string[])].sort()).toEqual([sha1('a'), sha1('c')].sort());
    expect((await ports.requests.get([sha1('a')])).get(sha1('a'))).toMatchObject({
      requestedBy: 'pc-1',
      requestedAt: at(100),
    });
  });

  it('and no publication names is refused by name, and kept', async () => {
    const { host, ports } = await make();
    await ports.catalog.putFileFacts([{ sha1: sha1('no address') }]);
    const refused = [
      { sha1: sha1('forged'), reason: 'no publication of the index names this digest' },
      { sha1: sha1('no address'), reason: 'the index names no address for this file' },
    ].sort((a, b) => (a.sha1 < b.sha1 ? -1 : 1));
    const needs = [sha1('forged'), sha1('a'), sha1('no address')];
    expect((await host.send('postReport', needing('pc-1', ...needs))).body).toMatchObject({
      requested: [sha1('a')],
      refused,
    });
    expect((await ports.requests.get(needs)).size).toBe(1);
    expect((await ports.hosts.view('pc-1'))?.last?.refused).toEqual(refused);
  });

  it('and was removed from the repository is asked for again', async () => {
    const { host, ports } = await make();
    await host.send('postReport', needing('pc-1', sha1('a')));
    await ports.requests.complete(sha1('a'), { at: at(3), sha256: sha256('a') });
    expect((await host.send('postReport', needing('pc-1', sha1('a')))).body).toMatchObject({ requested: [sha1('a')] });
  });

  it('is requested up to a number of files a day for one host; what is above is refused with the reason', async () => {
    const { host, api, ports, clock } = await make();
    const { filesPerDay } = ports;
    const names = Array.from({ length: filesPerDay + 3 }, (_, n) => sha1(`file ${n}`)).sort();
    await ports.catalog.putFileFacts(names.map(fileOf));
    // Of a file that others have asked for already, nothing is counted.
    const second = await api.newHost('pc-2');
    await second.enrol();
    await second.send('postReport', needing('pc-2', ...names.slice(0, 1)));
    const { body } = await host.send('postReport', needing('pc-1', ...names));
    expect(body.requested).toEqual(names.slice(0, filesPerDay + 1));
    const reason = expect.stringMatching(
      /^this host had 500 files fetched on 2026-07-14, .* ask again from 2026-07-15 on$/,
    );
    expect(body.refused).toEqual(names.slice(filesPerDay + 1).map((name) => ({ sha1: name, reason })));
    expect((await ports.hosts.view('pc-1'))?.last?.refused).toEqual(body.refused);
    // Neither does it help to name fewer at a time.
    const again = await host.send('postReport', needing('pc-1', ...names.slice(-1)));
    expect(again.body).toMatchObject({ requested: [], refused: [{ sha1: names.at(-1) }] });
    expect(await ports.requests.countByState()).toMatchObject({ open: filesPerDay + 1 });
    clock.seconds += 86_400;
    const nextDay = await host.send('postReport', needing('pc-1', ...names));
    expect(nextDay.body).toMatchObject({ requested: names, refused: [] });
  });

  it('and was given up lately costs the host nothing of its day', async () => {
    const { host, ports } = await make();
    await host.send('postReport', needing('pc-1', sha1('a')));
    const claim = { messageId: 'm', receiveCount: 3, leaseUntil: at(900) };
    await ports.requests.claim(sha1('a'), claim, at(101));
    await ports.requests.fail(sha1('a'), claim, { at: at(102), error: 'wrong bytes', final: true });
    await host.send('postReport', needing('pc-1', sha1('a')));
    const { filesPerDay: limit } = ports;
    expect(await ports.hosts.takeOpenings('pc-1', { day: at(100).slice(0, 10), wanted: limit, limit })).toBe(limit - 1);
  });

  it('is requested all, when it is much', async () => {
    const { host, ports } = await make();
    const names = Array.from({ length: 100 }, (_, n) => sha1(`file ${n}`)).sort();
    await ports.catalog.putFileFacts(names.map(fileOf));
    expect((await host.send('postReport', needing('pc-1', ...names))).body.requested).toEqual(names);
    expect(await ports.requests.countByState()).toMatchObject({ open: 100 });
  });
});
