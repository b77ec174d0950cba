import { describe, expect, it } from 'vitest';
import { at, guid, reportOf, sha1 } from '#test/kit/values.ts';
import type { ReportedUpdate } from '../../contract/agent/report.ts';
import type { UpdateState } from '../../core/status/states.ts';
import type { HostStore } from './port.ts';

const update = (n: number, state: UpdateState): ReportedUpdate => ({
  updateId: guid(n),
  revision: 1,
  kbs: ['5000001'],
  state,
  reason: 'because',
  files: [sha1(`file ${n}`)],
});

/** What every HostStore does. `make` gives an empty one. */
export function hostStoreContract(name: string, make: () => Promise<HostStore>): void {
  describe(`${name} keeps hosts`, () => {
    const none = { receivedAt: at(10), refused: [] };

    it('gives the last report back with its summary and what was refused', async () => {
      const store = await make();
      const report = reportOf('pc-1', {
        updates: [update(1, 'OK'), update(2, 'MISSING'), update(3, 'DISCARDED')],
        needs: [sha1('file 2')],
      });
      const refused = [{ sha1: sha1('x'), reason: 'no publication names it' }];
      expect(await store.get('pc-1')).toBeUndefined();
      expect(await store.put(report, { receivedAt: at(10), refused })).toBe('stored');
      expect(await store.get('pc-1')).toEqual({
        version: 1,
        summary: {
          machineId: 'pc-1',
          hostname: 'pc-1.example',
          os: 'Windows 11 Enterprise',
          state: 'PENDING_UPDATES',
          counts: { OK: 1, PENDING: 0, MISSING: 1, DISCARDED: 1, ERROR: 0, SUPERSEDED: 0 },
          reportedAt: at(10),
        },
        report,
        refused,
      });
    });

    it('has a host in error that cannot use the index, with or without a scan of another', async () => {
      const store = await make();
      const { indexSha256: _, ...unscanned } = reportOf('pc-1', { indexProblem: 'it is unsigned' });
      await store.put(unscanned, none);
      await store.put(reportOf('pc-2', { indexProblem: 'it is unsigned', updates: [update(1, 'OK')] }), none);
      for (const id of ['pc-1', 'pc-2']) {
        const view = await store.get(id);
        expect(view).toMatchObject({ summary: { state: 'ERROR' }, report: { indexProblem: 'it is unsigned' } });
      }
      expect((await store.get('pc-1'))?.report).toEqual(unscanned);
      expect(await store.countByState()).toEqual({ OK: 0, PENDING_UPDATES: 0, ERROR: 2 });
    });

    it('keeps the newest scan, whatever the order of arrival', async () => {
      const store = await make();
      const older = reportOf('pc-1', { scannedAt: at(1), scanMilliseconds: 1 });
      // The same moment as at(2), spelt without milliseconds: times are compared as times.
      const newer = reportOf('pc-1', { scannedAt: at(2).replace('.000Z', 'Z'), scanMilliseconds: 2 });
      expect(await store.put(newer, none)).toBe('stored');
      expect(await store.put(older, none)).toBe('older');
      expect((await store.get('pc-1'))?.report.scanMilliseconds).toBe(2);
      expect(await store.put(newer, { ...none, receivedAt: at(11) })).toBe('stored');
    });

    it('a clock that is ahead does not lock its host out', async () => {
      const store = await make();
      await store.put(reportOf('pc-1', { scannedAt: '2099-01-01T00:00:00Z' }), none);
      const mended = reportOf('pc-1', { scannedAt: at(20), scanMilliseconds: 2 });
      expect(await store.put(mended, { ...none, receivedAt: at(21) })).toBe('stored');
    });

    it('lists all hosts once over pages', async () => {
      const store = await make();
      const names = Array.from({ length: 7 }, (_, n) => `pc-${n}`);
      for (const machineId of names) await store.put(reportOf(machineId), none);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({ cursor, limit: 3 });
        expect(page.items.length).toBeLessThanOrEqual(3);
        expect(page.unreadable).toEqual([]);
        seen.push(...page.items.map((host) => host.machineId));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen.sort()).toEqual(names);
    });

    it('refuses a cursor that it did not give out', async () => {
      const store = await make();
      for (const cursor of ['', '!', 'eyJhIjoxfQ', Buffer.from('{"machineId":7}').toString('base64url')])
        await expect(store.list({ cursor, limit: 3 })).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
    });

    it('counts hosts by state', async () => {
      const store = await make();
      await store.put(reportOf('pc-1', { updates: [update(1, 'OK')] }), none);
      await store.put(reportOf('pc-2', { updates: [update(1, 'PENDING')] }), none);
      await store.put(reportOf('pc-3', { updates: [update(1, 'ERROR'), update(2, 'MISSING')] }), none);
      await store.put(reportOf('pc-4'), none);
      expect(await store.countByState()).toEqual({ OK: 2, PENDING_UPDATES: 1, ERROR: 1 });
    });

    it('refuses a report that is too large to keep, and says so', async () => {
      const store = await make();
      // Random digests do not compress below their entropy: 20 bytes each.
      const files = Array.from({ length: 30_000 }, (_, n) => sha1(`${n}`));
      const updates = Array.from({ length: 600 }, (_, n) => ({
        ...update(n, 'MISSING'),
        files: files.slice(n * 50, n * 50 + 50),
      }));
      await expect(store.put(reportOf('pc-1', { updates }), none)).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringMatching(/pc-1 has \d+ bytes gzipped, at most \d+ are stored/),
      });
      expect(await store.get('pc-1')).toBeUndefined();
    });
  });
}
