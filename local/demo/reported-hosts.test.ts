import { describe, expect, it } from 'vitest';
import type { HostSummary } from '#shared/contract/operators/hosts.ts';
import { type ReportedHost, whyOtherCounts } from './reported-hosts.ts';

const at = '2026-01-13T18:00:00Z';

const host = (state: HostSummary['state']): ReportedHost => ({
  summary: {
    machineId: 'pc-1',
    hostname: 'pc-1',
    os: 'Windows',
    osVersion: '6.1',
    agentVersion: '1',
    group: 'everyone',
    state,
    counts: { OK: 1, PENDING: 0, MISSING: 0, DISCARDED: 0, ERROR: 0, SUPERSEDED: 0 },
    enrolledAt: at,
    lastSeenAt: at,
    cloned: false,
  },
  report: {
    version: 2,
    host: { machineId: 'pc-1', hostname: 'pc-1', os: 'x', osVersion: '6.1', architecture: 'amd64', agentVersion: '1' },
    rulesRevision: 1,
    updates: [],
    needs: [],
  },
  scannedAt: at,
});
const counts = (OK: number, PENDING_UPDATES: number, total = OK + PENDING_UPDATES) => ({
  total,
  byState: { OK, PENDING_UPDATES, ERROR: 0, UNKNOWN: 0 },
});
const hosts = [host('OK'), host('OK'), host('PENDING_UPDATES')];

describe('the counts of the broker', () => {
  it('agree with a recount, also when it knows more hosts', () => {
    expect(whyOtherCounts(counts(2, 1), hosts)).toBeUndefined();
    expect(whyOtherCounts(counts(7, 2), hosts)).toBeUndefined();
  });

  it.each([
    ['a host that is not counted', counts(2, 0), 'it counts 2 hosts and not 3'],
    ['a host in another state', counts(3, 0), 'it counts 3 OK and not 2; it counts 0 PENDING_UPDATES and not 1'],
    ['a state that a stranger cannot make up for', counts(1, 8), 'it counts 1 OK and not 2'],
  ])('are wrong with %s', (_what, counted, why) => expect(whyOtherCounts(counted, hosts)).toBe(why));
});
