/** One suite, so that both adapters are held against all of it; it is longer than other files for that. */
import { describe, expect, it } from 'vitest';
import { at, guid, hostFactsOf, hostKeyOf, reportOf, sha1, sha256, tokenOf } from '#test/kit/values.ts';
import type { HostReport, ReportedUpdate } from '../../contract/agent/report.ts';
import type { TokenView } from '../../contract/tokens.ts';
import type { UpdateState } from '../../core/status/states.ts';
import type { TokenStore } from '../tokens/port.ts';
import type { EnrolmentChange, HostStore, NewHost, Seen } from './port.ts';

const update = (n: number, state: UpdateState): ReportedUpdate => ({
  updateId: guid(n),
  revision: 1,
  kbs: ['5000001'],
  state,
  reason: 'because',
  files: [sha1(`file ${n}`)],
});
const secret = sha256('secret');
const noCounts = { OK: 0, PENDING: 0, MISSING: 0, DISCARDED: 0, ERROR: 0, SUPERSEDED: 0 };

/** @param key which of many keys; @default the machine's own */
const newHost = (machineId: string, more: Partial<NewHost> = {}, key = machineId): NewHost => ({
  host: hostFactsOf(machineId),
  ...hostKeyOf(key),
  tokenId: tokenOf(1).tokenId,
  secretSha256: secret,
  sequence: 1,
  at: at(10),
  ...more,
});
const seenOf = (sequence: number, more: Partial<Seen> = {}): Seen => ({
  thumbprint: hostKeyOf('pc-1').thumbprint,
  sequence,
  after: sequence - 1,
  at: at(100 + sequence),
  allowance: { left: 59, at: Date.parse(at(100 + sequence)) },
  ...more,
});
const storedOf = (report: HostReport, replaces = 0) => ({
  replaces,
  report,
  hash: sha256(JSON.stringify(report)),
  scan: { at: at(90), milliseconds: 12 },
  refused: [{ sha1: sha1('x'), reason: 'no publication names it' }],
});

export interface HostStores {
  readonly hosts: HostStore;
  readonly tokens: TokenStore;
}

/** What every HostStore does, beside the TokenStore that it spends uses in. `make` gives empty ones. */
export function hostStoreContract(name: string, make: () => Promise<HostStores>): void {
  const withToken = async (more: Partial<TokenView> = {}): Promise<HostStores> => {
    const stores = await make();
    await stores.tokens.create(tokenOf(1, more), secret);
    return stores;
  };
  const enrolled = async (...machineIds: readonly string[]): Promise<HostStores> => {
    const stores = await withToken();
    for (const machineId of machineIds) await stores.hosts.enrol(newHost(machineId));
    return stores;
  };
  const usedOf = async ({ tokens }: HostStores) => (await tokens.get(tokenOf(1).tokenId))?.used;

  describe(`${name} enrols hosts`, () => {
    it('with a token, which pins the group and has one use less then', async () => {
      const stores = await withToken();
      const outcome = await stores.hosts.enrol(newHost('pc-1'));
      expect(outcome).toEqual({
        outcome: 'enrolled',
        record: {
          ...hostFactsOf('pc-1'),
          item: 'host',
          version: 2,
          group: 'pilots',
          state: 'UNKNOWN',
          counts: noCounts,
          publicKey: hostKeyOf('pc-1').publicKey,
          thumbprint: hostKeyOf('pc-1').thumbprint,
          tokenId: tokenOf(1).tokenId,
          enrolledAt: at(10),
          sequence: 1,
          lastSeenAt: at(10),
          allowance: { left: 0, at: 0 },
          reportVersion: 0,
        },
      });
      if (outcome.outcome !== 'enrolled') return;
      expect(await stores.hosts.find('pc-1')).toEqual(outcome.record);
      expect(await stores.hosts.find('pc-2')).toBeUndefined();
      expect(await stores.hosts.ownerOf(hostKeyOf('pc-1').thumbprint)).toBe('pc-1');
      expect(await stores.hosts.ownerOf(hostKeyOf('pc-2').thumbprint)).toBeUndefined();
      expect(await usedOf(stores)).toBe(1);
    });

    it('once: repeating it changes nothing, even when the token is spent by then', async () => {
      const stores = await withToken({ uses: 1 });
      const first = await stores.hosts.enrol(newHost('pc-1'));
      const again = await stores.hosts.enrol(newHost('pc-1', { at: at(20), sequence: 2 }));
      expect(again).toEqual({ ...first, outcome: 'already' });
      expect(await usedOf(stores)).toBe(1);
    });

    it('as often as the token allows, also when all come at once', async () => {
      const stores = await withToken({ uses: 3 });
      const machines = Array.from({ length: 6 }, (_, n) => `pc-${n}`);
      const outcomes = await Promise.all(machines.map((machineId) => stores.hosts.enrol(newHost(machineId))));
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
        ...Array(3).fill('bad-token'),
        ...Array(3).fill('enrolled'),
      ]);
      expect(await usedOf(stores)).toBe(3);
    });

    it('of two enrolments of one machine at once, one spends a use', async () => {
      const stores = await withToken();
      const outcomes = await Promise.all([1, 2].map(() => stores.hosts.enrol(newHost('pc-1'))));
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['already', 'enrolled']);
      expect(await usedOf(stores)).toBe(1);
    });

    it.each<[string, Partial<TokenView>, Partial<NewHost>, RegExp]>([
      ['is not known', {}, { tokenId: tokenOf(2).tokenId }, /no such enrolment token/],
      ['has another secret', {}, { secretSha256: sha256('guess') }, /no such enrolment token/],
      ['ended', { expiresAt: at(10) }, {}, /ended at/],
      ['was revoked', { revokedAt: at(5) }, {}, /was revoked/],
      ['is used up', { uses: 2, used: 2 }, {}, /2 uses .* spent/],
    ])('not with a token that %s', async (_what, token, host, reason) => {
      const stores = await withToken(token);
      const outcome = await stores.hosts.enrol(newHost('pc-1', host));
      expect(outcome).toEqual({ outcome: 'bad-token', reason: expect.stringMatching(reason) });
      expect(await stores.hosts.find('pc-1')).toBeUndefined();
      expect(await stores.hosts.ownerOf(hostKeyOf('pc-1').thumbprint)).toBeUndefined();
      expect(await usedOf(stores)).toBe(token.used ?? 0);
    });

    it('after somebody was told of it, once; what they refuse is not written', async () => {
      const stores = await withToken();
      const told: EnrolmentChange[] = [];
      const beforeWrite = async (change: EnrolmentChange): Promise<void> => void told.push(change);
      const refuse = async (): Promise<void> => {
        throw new Error('not now');
      };
      await expect(stores.hosts.enrol(newHost('pc-1', { beforeWrite: refuse }))).rejects.toThrow('not now');
      expect(await stores.hosts.find('pc-1')).toBeUndefined();
      expect(await usedOf(stores)).toBe(0);
      const both = await Promise.all([1, 2].map(() => stores.hosts.enrol(newHost('pc-1', { beforeWrite }))));
      expect(both.map(({ outcome }) => outcome).sort()).toEqual(['already', 'enrolled']);
      const record = await stores.hosts.find('pc-1');
      expect(told.length).toBeGreaterThan(0);
      for (const change of told) expect(change).toEqual({ after: record });
      await stores.hosts.enrol(newHost('pc-2', { tokenId: tokenOf(7).tokenId, beforeWrite: refuse }));
      expect(await stores.hosts.find('pc-2')).toBeUndefined();
    });

    it('not with the key of another machine, on whose row it is noted', async () => {
      const stores = await enrolled('pc-1');
      const copy = newHost('pc-2', { at: at(30) }, 'pc-1');
      expect(await stores.hosts.enrol(copy)).toEqual({ outcome: 'cloned', owner: 'pc-1', noted: true });
      expect(await stores.hosts.enrol(copy)).toEqual({ outcome: 'cloned', owner: 'pc-1', noted: false });
      expect((await stores.hosts.find('pc-1'))?.clones).toEqual([{ machineId: 'pc-2', at: at(30) }]);
      expect(await stores.hosts.find('pc-2')).toBeUndefined();
      expect(await usedOf(stores)).toBe(1);
    });

    it('again with another key only when the token may replace it', async () => {
      const stores = await enrolled('pc-1');
      await stores.hosts.seen('pc-1', seenOf(7, { after: 1 }));
      await stores.hosts.putReport('pc-1', seenOf(8), storedOf(reportOf('pc-1', { updates: [update(1, 'OK')] })));
      await stores.hosts.revoke('pc-1', at(120), 'stolen');
      await stores.hosts.noteClone('pc-1', { machineId: 'pc-9', at: at(121) });
      const anew = newHost('pc-1', { at: at(200) }, 'pc-1 anew');
      expect(await stores.hosts.enrol(anew)).toEqual({ outcome: 'taken' });

      await stores.tokens.create(tokenOf(2, { replace: true, group: 'others' }), secret);
      const replacing = { ...anew, tokenId: tokenOf(2).tokenId };
      expect(await stores.hosts.enrol(replacing)).toMatchObject({ outcome: 'enrolled' });
      const record = await stores.hosts.find('pc-1');
      expect(record).toMatchObject({
        thumbprint: hostKeyOf('pc-1 anew').thumbprint,
        group: 'others',
        sequence: 1,
        enrolledAt: at(200),
        reportVersion: 1,
        state: 'OK',
      });
      expect(record).not.toHaveProperty('revokedAt');
      expect(record).not.toHaveProperty('revocationReason');
      expect(record).not.toHaveProperty('clones');
      // The old key lets nobody in, and is not given to another machine.
      expect(await stores.hosts.seen('pc-1', seenOf(9, { after: 1 }))).toBe(false);
      const copy = { ...newHost('pc-2', { at: at(300) }, 'pc-1'), tokenId: tokenOf(2).tokenId };
      expect(await stores.hosts.enrol(copy)).toEqual({ outcome: 'cloned', owner: 'pc-1', noted: false });
      expect(await stores.hosts.find('pc-1')).toEqual(record);
      expect(await stores.hosts.enrol(replacing)).toMatchObject({ outcome: 'already' });
    });

    it('with a key that it had before', async () => {
      const stores = await withToken({ replace: true });
      for (const key of ['first', 'second', 'first'])
        expect(await stores.hosts.enrol(newHost('pc-1', {}, key))).toMatchObject({ outcome: 'enrolled' });
      expect((await stores.hosts.find('pc-1'))?.thumbprint).toBe(hostKeyOf('first').thumbprint);
      expect(await stores.hosts.ownerOf(hostKeyOf('first').thumbprint)).toBe('pc-1');
    });
  });

  describe(`${name} lets requests of hosts in`, () => {
    it('each sequence number once, upwards', async () => {
      const { hosts } = await enrolled('pc-1');
      expect(await hosts.seen('pc-1', seenOf(1, { after: 1 }))).toBe(false);
      expect(await hosts.seen('pc-1', seenOf(5, { after: 1 }))).toBe(true);
      expect(await hosts.seen('pc-1', seenOf(5, { after: 5 }))).toBe(false);
      expect(await hosts.seen('pc-1', seenOf(4, { after: 5 }))).toBe(false);
      expect(await hosts.find('pc-1')).toMatchObject({
        sequence: 5,
        lastSeenAt: at(105),
        allowance: { left: 59, at: Date.parse(at(105)) },
        reportVersion: 0,
      });
      expect(await hosts.seen('pc-2', seenOf(5))).toBe(false);
      expect(await hosts.find('pc-2')).toBeUndefined();
    });

    it('of two with one number at once, one', async () => {
      const { hosts } = await enrolled('pc-1');
      const both = await Promise.all([hosts.seen('pc-1', seenOf(2)), hosts.seen('pc-1', seenOf(2))]);
      expect(both.sort()).toEqual([false, true]);
    });

    it('of many whose allowance was reckoned from the same row, one', async () => {
      const { hosts } = await enrolled('pc-1');
      const numbers = [2, 3, 4, 5];
      const all = await Promise.all(numbers.map((number) => hosts.seen('pc-1', seenOf(number, { after: 1 }))));
      expect(all.filter(Boolean)).toHaveLength(1);
    });

    it('with a scan that found nothing new, and with haste, which stay', async () => {
      const { hosts } = await enrolled('pc-1');
      await hosts.seen('pc-1', seenOf(2, { livelyUntil: at(500) }), { scannedAt: at(90) });
      await hosts.seen('pc-1', seenOf(3));
      expect(await hosts.find('pc-1')).toMatchObject({ scannedAt: at(90), livelyUntil: at(500), sequence: 3 });
    });

    it('with what it says that it received, which stays until it says something else', async () => {
      const { hosts } = await enrolled('pc-1');
      const received = { month: '2026-11', index: 1, files: 2, direct: 3 };
      await hosts.seen('pc-1', seenOf(2, { received }));
      await hosts.seen('pc-1', seenOf(3));
      expect(await hosts.find('pc-1')).toMatchObject({ received, sequence: 3 });
    });

    it('with a report that is the same again', async () => {
      const { hosts } = await enrolled('pc-1');
      await hosts.putReport('pc-1', seenOf(2), storedOf(reportOf('pc-1')));
      await hosts.seen('pc-1', seenOf(3), { scannedAt: at(95), reportedAt: at(103) });
      expect(await hosts.find('pc-1')).toMatchObject({ scannedAt: at(95), reportedAt: at(103), reportVersion: 1 });
    });

    it('not after its key was revoked; the first time and the first reason stay', async () => {
      const { hosts } = await enrolled('pc-1');
      expect(await hosts.revoke('pc-1', at(50))).toBe(true);
      expect(await hosts.revoke('pc-1', at(60))).toBe(true);
      expect(await hosts.find('pc-1')).toMatchObject({ machineId: 'pc-1', revokedAt: at(50) });
      expect(await hosts.revoke('pc-2', at(60))).toBe(false);
      expect(await hosts.seen('pc-1', seenOf(2))).toBe(false);
      expect(await hosts.putReport('pc-1', seenOf(2), storedOf(reportOf('pc-1')))).toBe('lost');
      expect((await hosts.view('pc-1'))?.summary.revokedAt).toBe(at(50));
      expect(await hosts.view('pc-1')).not.toHaveProperty('revocationReason');
      await hosts.revoke('pc-1', at(70), 'stolen');
      await hosts.revoke('pc-1', at(80), 'lost');
      expect(await hosts.view('pc-1')).toMatchObject({ revocationReason: 'stolen', summary: { revokedAt: at(50) } });
    });

    it('and keeps ten machines that used its key, the latest, one in each minute', async () => {
      const { hosts } = await enrolled('pc-1');
      const note = (machineId: string, seconds: number) => hosts.noteClone('pc-1', { machineId, at: at(seconds) });
      for (let n = 0; n < 12; n += 1) expect(await note(`copy-${n}`, n * 60)).toBe(true);
      expect(await note('copy-11', 900)).toBe(false);
      expect(await note('copy-12', 11 * 60 + 59)).toBe(false);
      expect(await hosts.noteClone('pc-2', { machineId: 'copy-1', at: at(900) })).toBe(false);
      const clones = (await hosts.find('pc-1'))?.clones;
      expect(clones?.map(({ machineId }) => machineId)).toEqual(Array.from({ length: 10 }, (_, n) => `copy-${n + 2}`));
    });
  });

  describe(`${name} counts the files that a host has fetched`, () => {
    const take = (hosts: HostStore, wanted: number, day = '2026-07-14', machineId = 'pc-1') =>
      hosts.takeOpenings(machineId, { day, wanted, limit: 10 });

    it('up to a bound in a day, for each host', async () => {
      const { hosts } = await enrolled('pc-1', 'pc-2');
      expect(await take(hosts, 7)).toBe(7);
      expect(await take(hosts, 7)).toBe(3);
      expect(await take(hosts, 1)).toBe(0);
      expect(await take(hosts, 1, '2026-07-14', 'pc-2')).toBe(1);
      expect(await take(hosts, 12, '2026-07-15')).toBe(10);
      // A clock that is behind does not begin the day before anew.
      expect(await take(hosts, 1, '2026-07-14')).toBe(0);
    });

    it('and takes back what came to nothing, on the same day', async () => {
      const { hosts } = await enrolled('pc-1');
      await take(hosts, 10);
      await hosts.returnOpenings('pc-1', { day: '2026-07-14', count: 4 });
      await hosts.returnOpenings('pc-1', { day: '2026-07-13', count: 4 });
      expect(await take(hosts, 9)).toBe(4);
      await hosts.returnOpenings('pc-1', { day: '2026-07-14', count: 99 });
      expect(await take(hosts, 1)).toBe(0);
      await hosts.returnOpenings('pc-2', { day: '2026-07-14', count: 1 });
      expect(await take(hosts, 11, '2026-07-14', 'pc-2')).toBe(10);
    });

    it('never above it, also when many reports come at once', async () => {
      const { hosts } = await enrolled('pc-1');
      const all = await Promise.allSettled(Array.from({ length: 6 }, () => take(hosts, 4)));
      const taken = all.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value : 0), 0);
      for (const one of all) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'conflict' });
      expect(taken).toBeGreaterThan(0);
      expect(taken).toBeLessThanOrEqual(10);
    });

    it('beside what is known of it', async () => {
      const { hosts } = await enrolled('pc-1');
      const before = await hosts.view('pc-1');
      await take(hosts, 1);
      expect(await hosts.view('pc-1')).toEqual(before);
    });
  });

  describe(`${name} keeps reports`, () => {
    const report = reportOf('pc-1', {
      updates: [update(1, 'OK'), update(2, 'MISSING'), update(3, 'DISCARDED')],
      needs: [sha1('file 2')],
    });
    const moved = { ...hostFactsOf('pc-1'), hostname: 'new-name.example', osVersion: '10.0.26100.2000' };

    it('and gives the last back with what was refused of it', async () => {
      const { hosts } = await enrolled('pc-1');
      expect(await hosts.report('pc-1')).toBeUndefined();
      const stored = storedOf({ ...report, host: moved });
      expect(await hosts.putReport('pc-1', seenOf(2), stored)).toBe('stored');
      expect(await hosts.report('pc-1')).toEqual({
        report: { ...report, host: moved },
        refused: stored.refused,
        hash: stored.hash,
        reportVersion: 1,
        reportedAt: at(102),
        scan: stored.scan,
      });
      expect(await hosts.find('pc-1')).toMatchObject({
        hostname: 'new-name.example',
        osVersion: '10.0.26100.2000',
        state: 'PENDING_UPDATES',
        counts: { ...noCounts, OK: 1, MISSING: 1, DISCARDED: 1 },
        sequence: 2,
        lastSeenAt: at(102),
        reportVersion: 1,
        reportHash: stored.hash,
        reportedAt: at(102),
        scannedAt: at(90),
      });
    });

    it('one after the other: of two in place of the same one, one', async () => {
      const { hosts } = await enrolled('pc-1');
      await hosts.putReport('pc-1', seenOf(2), storedOf(report));
      const outcomes = await Promise.all([
        hosts.putReport('pc-1', seenOf(3), storedOf(report, 1)),
        hosts.putReport('pc-1', seenOf(4, { after: 2 }), storedOf(report, 1)),
      ]);
      expect(outcomes.sort()).toEqual(['lost', 'stored']);
      expect(await hosts.find('pc-1')).toMatchObject({ reportVersion: 2 });
    });

    it('and nothing of a request whose number was used', async () => {
      const { hosts } = await enrolled('pc-1');
      await hosts.putReport('pc-1', seenOf(5, { after: 1 }), storedOf(report));
      const before = [await hosts.find('pc-1'), await hosts.report('pc-1')];
      const other = reportOf('pc-1', { indexProblem: 'it is unsigned' });
      expect(await hosts.putReport('pc-1', seenOf(5, { after: 5 }), storedOf(other, 1))).toBe('lost');
      expect(await hosts.putReport('pc-1', seenOf(6), storedOf(other, 0))).toBe('lost');
      expect(await hosts.putReport('pc-2', seenOf(6), storedOf(reportOf('pc-2')))).toBe('lost');
      expect([await hosts.find('pc-1'), await hosts.report('pc-1')]).toEqual(before);
      expect(await hosts.report('pc-2')).toBeUndefined();
    });

    it('of a host that cannot use the index as one in error, with or without a scan of another', async () => {
      const { hosts } = await enrolled('pc-1');
      const { indexSha256: _, ...unscanned } = reportOf('pc-1', { indexProblem: 'it is unsigned' });
      await hosts.putReport('pc-1', seenOf(2), storedOf(unscanned));
      expect(await hosts.find('pc-1')).toMatchObject({ state: 'ERROR' });
      expect((await hosts.report('pc-1'))?.report).toEqual(unscanned);
      const scanned = reportOf('pc-1', { indexProblem: 'it is unsigned', updates: [update(1, 'OK')] });
      await hosts.putReport('pc-1', seenOf(3), storedOf(scanned, 1));
      expect(await hosts.find('pc-1')).toMatchObject({ state: 'ERROR' });
    });

    it('unless it is too large to keep, and says so', async () => {
      const { hosts } = await enrolled('pc-1');
      // Random digests do not compress below their entropy: 20 bytes each.
      const files = Array.from({ length: 30_000 }, (_, n) => sha1(`${n}`));
      const updates = Array.from({ length: 600 }, (_, n) => ({
        ...update(n, 'MISSING'),
        files: files.slice(n * 50, n * 50 + 50),
      }));
      await expect(hosts.putReport('pc-1', seenOf(2), storedOf(reportOf('pc-1', { updates })))).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringMatching(/pc-1 has \d+ bytes gzipped, at most \d+ are stored/),
      });
      expect(await hosts.find('pc-1')).toMatchObject({ sequence: 1, reportVersion: 0 });
    });

    it('with texts that are no Unicode, which JSON lets through', async () => {
      const { hosts } = await enrolled('pc-1');
      const odd = reportOf('pc-1', { host: { ...hostFactsOf('pc-1'), hostname: 'half \ud800 a pair', os: '' } });
      expect(await hosts.putReport('pc-1', seenOf(2), storedOf(odd))).toBe('stored');
      expect(await hosts.find('pc-1')).toMatchObject({ hostname: 'half \ufffd a pair', os: '' });
    });

    it('and shows all of a host to people', async () => {
      const { hosts } = await enrolled('pc-1');
      expect(await hosts.view('pc-2')).toBeUndefined();
      const summary = {
        machineId: 'pc-1',
        hostname: 'pc-1.example',
        os: 'Windows 11 Enterprise',
        osVersion: '10.0.26100.1742',
        agentVersion: '0.1.0',
        group: 'pilots',
        state: 'UNKNOWN',
        counts: noCounts,
        enrolledAt: at(10),
        lastSeenAt: at(10),
        cloned: false,
      };
      const { thumbprint: keyThumbprint } = hostKeyOf('pc-1');
      expect(await hosts.view('pc-1')).toEqual({ version: 2, summary, keyThumbprint, clones: [] });

      const stored = storedOf(report);
      await hosts.putReport('pc-1', seenOf(2), stored);
      await hosts.seen('pc-1', seenOf(3), { scannedAt: at(95) });
      await hosts.noteClone('pc-1', { machineId: 'pc-2', at: at(96) });
      await hosts.keepRejected('pc-1', { at: at(97), reason: 'not JSON', body: Buffer.from('{') });
      await hosts.keepRejected('pc-1', { at: at(98), reason: 'x'.repeat(5000), body: new Uint8Array(300_000) });
      expect(await hosts.view('pc-1')).toEqual({
        version: 2,
        summary: {
          ...summary,
          state: 'PENDING_UPDATES',
          counts: { ...noCounts, OK: 1, MISSING: 1, DISCARDED: 1 },
          reportedAt: at(102),
          lastSeenAt: at(103),
          cloned: true,
        },
        keyThumbprint,
        clones: [{ machineId: 'pc-2', at: at(96) }],
        last: { report, hash: stored.hash, scan: { at: at(95), milliseconds: 12 }, refused: stored.refused },
        rejected: { at: at(98), reason: 'x'.repeat(1024), bytes: 300_000 },
      });
    });
  });
}
