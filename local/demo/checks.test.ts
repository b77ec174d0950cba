import { describe, expect, it } from 'vitest';
import type { HostReport, ReportedUpdate } from '#shared/contract/agent/report.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import { type Check, checkLife, newRequests, type Observed } from './checks.ts';
import type { ReportedHost } from './reported-hosts.ts';

const index = 'a'.repeat(64);
const at = '2026-01-13T18:00:00Z';
const sha1 = '1'.repeat(40);
const sha256 = '2'.repeat(64);

type Update = ReportedUpdate;
const update = (kb: string, changes: Partial<Update> = {}): Update => ({
  updateId: '00000000-0000-4000-8000-000000000001',
  revision: 1,
  kbs: [kb],
  state: 'OK',
  reason: 'installed',
  files: [],
  ...changes,
});

const view = (machineId: string, updates: Update[], changes: Partial<HostReport> = {}): ReportedHost => ({
  summary: {
    machineId,
    hostname: machineId,
    os: 'Windows',
    osVersion: '6.1',
    agentVersion: '1',
    group: 'everyone',
    state: 'OK',
    counts: { OK: 1, PENDING: 0, MISSING: 0, DISCARDED: 0, ERROR: 0, SUPERSEDED: 0 },
    enrolledAt: at,
    lastSeenAt: at,
    reportedAt: at,
    cloned: false,
  },
  report: {
    version: 2,
    host: { machineId, hostname: machineId, os: 'Windows', osVersion: '6.1', architecture: 'amd64', agentVersion: '1' },
    indexSha256: index,
    rulesRevision: 1,
    updates,
    needs: [],
    ...changes,
  },
  scannedAt: at,
});

const scannedAt = (one: ReportedHost, time: string): ReportedHost => ({ ...one, scannedAt: time });

const done: FileRequest = {
  version: 1,
  sha1,
  size: 5,
  requestedAt: at,
  requestedBy: 'pc-1',
  attempts: 1,
  state: 'done',
  doneAt: at,
  sha256,
};
const open: FileRequest = {
  version: 1,
  sha1,
  requestedAt: at,
  requestedBy: 'pc-1',
  attempts: 0,
  state: 'open',
};
const withdrawn = update('5999101', {
  state: 'DISCARDED',
  reason: 'forbidden by rule 1 of "demonstration": KB5999101; comment: breaks printing',
});
const missing = update('2999226', { state: 'MISSING', reason: 'not there yet', files: [sha1] });

/** A good life: pc-1 is a Windows 7 that needs KB2999226, pc-2 a Windows 10 that is offered a forbidden update. */
const good: Observed = {
  fleet: [
    { machineId: 'pc-1', profile: 'windows7-sp1-x64' },
    { machineId: 'pc-2', profile: 'windows10-22h2-x64' },
  ],
  published: index,
  current: index,
  downloadsOfSecondSync: 0,
  rounds: [
    [view('pc-1', [missing], { needs: [sha1] }), view('pc-2', [withdrawn])],
    [view('pc-1', [update('2999226')]), view('pc-2', [withdrawn])],
  ],
  startedAt: at,
  requests: [done],
  upstreamGets: { '/a.cab': 1 },
  served: new Map([[sha256, { sha1, sha256 }]]),
  counted: undefined,
};
const expectations = { forbiddenKb: '5999101', offeredKbs: ['2999226', '1'] };
const failing = (observed: Observed): string[] =>
  checkLife(observed, expectations)
    .filter(({ ok }: Check) => !ok)
    .map(({ name, why }) => `${name}: ${why}`);
const lastRound = (...views: ReportedHost[]): Observed => ({ ...good, rounds: [good.rounds[0] ?? [], views] });

describe('the checks of a life', () => {
  it('all hold for a good one', () => {
    expect(failing(good)).toEqual([]);
    expect(checkLife(good, expectations).map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'KB2999226 is requested by the 1 host it applies to',
        'KB2999226 is fetched once and proved by SHA-1 and SHA-256',
        'KB2999226 is installed and OK on them',
        'KB2999226 is not needed on the other 1 host',
      ]),
    );
  });

  it('hold for a later life that has nothing to do', () => {
    const again = (good.rounds[1] ?? []).map((one) => scannedAt(one, '2026-01-13T18:00:02Z'));
    const later: Observed = {
      ...good,
      rounds: [again, again],
      startedAt: '2026-01-13T18:00:01Z',
      upstreamGets: {},
      served: new Map(),
    };
    expect(newRequests(later)).toEqual([]);
    expect(failing(later)).toEqual([]);
  });

  it('hold for a life after a crash, which finds requests of the one before', () => {
    const resumed: Observed = {
      ...good,
      startedAt: '2026-01-13T17:59:59Z',
      rounds: [
        [view('pc-1', [{ ...missing, state: 'PENDING', reason: 'its file is there' }]), view('pc-2', [withdrawn])],
        good.rounds[1] ?? [],
      ],
      requests: [{ ...done, requestedAt: '2026-01-13T17:00:00Z', doneAt: '2026-01-13T17:59:00Z' }],
      upstreamGets: {},
    };
    expect(failing(resumed)).toEqual([]);
  });

  it('are not about a file that was given up before this life, and say so', () => {
    const givenUp: FileRequest = { ...open, state: 'failed', failedAt: '2026-01-13T17:00:00Z', lastError: 'gone' };
    const waiting = view('pc-1', [{ ...missing, reason: 'its file was given up' }], { needs: [sha1] });
    const observed: Observed = {
      ...good,
      rounds: [[{ ...waiting, summary: { ...waiting.summary, state: 'PENDING_UPDATES' } }, view('pc-2', [withdrawn])]],
      requests: [{ ...givenUp, requestedAt: '2026-01-13T16:00:00Z' }],
      upstreamGets: {},
    };
    expect(newRequests(observed)).toEqual([]);
    const checks = checkLife(observed, { forbiddenKb: '5999101' });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ name }) => name)).toContain('every host is OK, but for 1 file given up in an earlier life');
    // Another trouble of the same host still counts.
    const two = view('pc-1', [missing, update('1', { state: 'MISSING', reason: 'x', files: ['5'.repeat(40)] })]);
    const failed = checkLife({ ...observed, rounds: [[two, view('pc-2', [withdrawn])]] }, {}).filter(({ ok }) => !ok);
    expect(failed.map(({ why }) => why)).toEqual(['KB1 on pc-1 is MISSING (x)']);
  });

  it('say nothing about updates that the index has not', () => {
    const rounds = [[view('pc-1', [update('1')]), view('pc-2', [withdrawn])]];
    expect(checkLife({ ...good, rounds }, {}).some(({ name }) => name.includes('KB'))).toBe(false);
  });

  it.each<[string, Observed, RegExp]>([
    ['another index', { ...good, current: 'b'.repeat(64) }, /holds the index/],
    [
      'an index that the broker refused',
      { ...good, current: 'b'.repeat(64), notPublished: 'refused: it shrank by 90 %' },
      /holds the index.*: refused: it shrank by 90 %/,
    ],
    [
      'a file that was given up in this life',
      { ...good, requests: [{ ...open, state: 'failed', failedAt: at, lastError: 'status 503' }] },
      /every requested file arrived: SHA-1 1+: failed \(status 503\)/,
    ],
    ['a second download', { ...good, downloadsOfSecondSync: 1 }, /not downloaded again/],
    ['a silent host', lastRound(view('pc-1', [update('2999226')])), /hosts reported/],
    ['hosts that are silent since an earlier life', { ...good, startedAt: '2026-01-13T18:00:01Z' }, /reported in this/],
    [
      'a host that refuses the index',
      lastRound(view('pc-1', [update('2999226')], { indexProblem: 'it is unsigned' }), view('pc-2', [withdrawn])),
      /every host can use the index: pc-1: it is unsigned/,
    ],
    [
      'a host on an old index',
      lastRound(view('pc-1', [update('2999226')], { indexSha256: 'c'.repeat(64) }), view('pc-2', [withdrawn])),
      /hosts reported/,
    ],
    [
      'an update without a reason',
      lastRound(view('pc-1', [update('2999226', { reason: ' ' })]), view('pc-2', [withdrawn])),
      /a state and a reason/,
    ],
    ['a file nobody needs', { ...good, requests: [done, { ...done, sha1: '3'.repeat(40) }] }, /nothing else/],
    ['a file that did not come', { ...good, requests: [open] }, /every requested file arrived/],
    ['a file fetched twice', { ...good, upstreamGets: { '/a.cab': 2 } }, /from Microsoft once/],
    ['a file that nobody asked for', { ...good, upstreamGets: { '/a.cab': 1, '/b.cab': 1 } }, /from Microsoft once/],
    ['wrong bytes', { ...good, served: new Map([[sha256, { sha1: '4'.repeat(40), sha256 }]]) }, /SHA-1 it was asked/],
    ['bytes under another name', { ...good, served: new Map([[sha256, { sha1, sha256: index }]]) }, /SHA-256/],
    [
      'an update left to do',
      lastRound(view('pc-1', [update('2999226'), update('1', { state: 'PENDING' })]), view('pc-2', [withdrawn])),
      /left to do/,
    ],
    [
      'a forbidden update that is not discarded',
      lastRound(view('pc-1', [update('2999226')]), view('pc-2', [update('5999101')])),
      /forbidden/,
    ],
    [
      'a forbidden update that is discarded for another reason',
      lastRound(
        view('pc-1', [update('2999226')]),
        view('pc-2', [{ ...withdrawn, reason: 'held back by rule 1 of "demonstration": KB5999101' }]),
      ),
      /forbidden/,
    ],
    [
      'a forbidden update that nobody is offered',
      lastRound(view('pc-1', [update('2999226')]), view('pc-2', [update('1')])),
      /forbidden/,
    ],
    [
      'an update on a machine that it does not go on',
      lastRound(view('pc-1', [update('2999226')]), view('pc-2', [withdrawn, update('2999226')])),
      /not needed on the other/,
    ],
    [
      'an update that was not installed',
      lastRound(view('pc-1', [update('2999226', { state: 'MISSING' })]), view('pc-2', [withdrawn])),
      /installed and OK/,
    ],
    [
      'an update that no host was offered',
      { ...good, rounds: [[view('pc-1', []), view('pc-2', [withdrawn])]], requests: [], upstreamGets: {} },
      /requested by the 1 host/,
    ],
    [
      'an update that was not asked for',
      { ...good, rounds: [[view('pc-1', [missing]), view('pc-2', [withdrawn])], good.rounds[1] ?? []] },
      /requested by the 1 host/,
    ],
  ])('fail for %s', (_what, observed, expected) => {
    expect(failing(observed)).toContainEqual(expect.stringMatching(expected));
  });

  it('only say where a known update must not be when no host is of its kind', () => {
    const observed: Observed = {
      ...good,
      fleet: [{ machineId: 'pc-2', profile: 'windows10-22h2-x64' }],
      rounds: [[view('pc-2', [withdrawn])]],
      requests: [],
      upstreamGets: {},
    };
    const names = checkLife(observed, expectations).map(({ name }) => name);
    expect(names.filter((name) => name.includes('2999226'))).toEqual(['KB2999226 is not needed on the other 1 host']);
    expect(failing(observed)).toEqual([]);
  });

  it('fail for a host that is not OK', () => {
    const sick = view('pc-2', [withdrawn]);
    const observed = lastRound(view('pc-1', [update('2999226')]), {
      ...sick,
      summary: { ...sick.summary, state: 'ERROR' },
    });
    expect(failing(observed)).toEqual(['every host is OK: pc-2 is ERROR']);
  });
});
