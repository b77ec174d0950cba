import { describe, expect, it } from 'vitest';
import type { CleaningRun } from '#shared/contract/operators/cleaning.ts';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import type { CleanablePayload, CleaningJournal, PayloadCleaning, PayloadStore } from './port.ts';

export interface PayloadCleaningUnderTest {
  readonly store: PayloadStore;
  readonly cleaning: PayloadCleaning;
  /** Is there an object under a digest's key? */
  hasObject(sha256: string): Promise<boolean>;
}

/** What every PayloadCleaning does, with the store whose files it takes out. `make` gives an empty one. */
export function payloadCleaningContract(name: string, make: () => Promise<PayloadCleaningUnderTest>): void {
  describe(`${name} takes payload files out`, () => {
    const fileOf = (n: number) => ({
      sha1: sha1(`${n}`),
      sha256: sha256(`${n}`),
      size: n,
      name: `${n}.cab`,
      heldAt: at(n),
    });
    /** Files 1 to `count`, whole and recorded. */
    const holding = async (count: number) => {
      const made = await make();
      for (let n = 1; n <= count; n += 1) {
        const file = fileOf(n);
        const upload = await made.store.begin(file);
        await upload.write(Buffer.from(`${n}`));
        await upload.complete(file.sha256);
        await made.store.record(file);
      }
      const all = async (state: CleanablePayload['state']) => (await made.cleaning.list(state, { limit: 1000 })).items;
      return {
        ...made,
        all,
        one: async (n: number, state: CleanablePayload['state'] = 'held') => {
          const found = (await all(state)).find(({ sha1: digest }) => digest === sha1(`${n}`));
          if (found === undefined) throw new Error(`${n} is not ${state}`);
          return found;
        },
        totals: async () => ({ held: await made.store.totals(), ...(await made.cleaning.totals()) }),
      };
    };
    const none = { files: 0, bytes: 0 };

    it('notes since when nobody needs them, once, until it is cleared', async () => {
      const { cleaning, all, store } = await holding(3);
      await cleaning.markUnneeded([sha1('1'), sha1('2'), sha1('not here')], at(10));
      await cleaning.markUnneeded([sha1('1'), sha1('3')], at(20));
      const since = async () => (await all('held')).map((file) => 'unneededSince' in file && file.unneededSince);
      expect(await since()).toEqual([at(20), at(10), at(10)]);
      await cleaning.clearUnneeded([sha1('2'), sha1('not here')]);
      expect(await since()).toEqual([at(20), false, at(10)]);
      expect((await store.held([sha1('1')])).get(sha1('1')), 'the record is what it was').toEqual(fileOf(1));
      expect(await all('retired')).toEqual([]);
    });

    it('retires files: they are not held and their bytes are there; and holds them again', async () => {
      const { cleaning, store, all, one, hasObject, totals } = await holding(3);
      await cleaning.markUnneeded([sha1('2')], at(10));
      const retired = await cleaning.retire([await one(1), await one(2)], at(20));
      expect(retired.map(({ size }) => size)).toEqual([1, 2]);
      const since = await Promise.all([1, 3, 9].map((n) => store.retiredAt(fileOf(n).sha1)));
      expect(since).toEqual([at(20), undefined, undefined]);
      expect([...(await store.held(['1', '2', '3'].map((text) => sha1(text)))).keys()]).toEqual([sha1('3')]);
      expect((await store.list({ limit: 9 })).items).toEqual([fileOf(3)]);
      expect(await all('retired')).toEqual([2, 1].map((n) => ({ ...fileOf(n), state: 'retired', retiredAt: at(20) })));
      expect(await hasObject(sha256('1'))).toBe(true);
      expect(await totals()).toEqual({
        held: { files: 1, bytes: 3 },
        retired: { files: 2, bytes: 3 },
        removed: none,
      });
      expect(await cleaning.restore([await one(2, 'retired')])).toHaveLength(1);
      expect(await all('held')).toEqual([3, 2].map((n) => ({ ...fileOf(n), state: 'held' })));
      expect(await totals()).toMatchObject({ held: { files: 2, bytes: 5 }, retired: { files: 1, bytes: 1 } });
    });

    it('takes each step only from where the record was read', async () => {
      const { cleaning, one, totals } = await holding(3);
      const stale = await Promise.all([1, 2, 3].map((n) => one(n)));
      await cleaning.markUnneeded([sha1('2')], at(10));
      expect((await cleaning.retire(stale, at(20))).map(({ size }) => size)).toEqual([1, 3]);
      expect(await cleaning.retire(stale, at(20))).toEqual([]);
      const retired = [await one(1, 'retired'), await one(3, 'retired')];
      expect(await cleaning.restore([retired[0] as CleanablePayload])).toHaveLength(1);
      expect((await cleaning.remove(retired, at(30))).map(({ size }) => size)).toEqual([3]);
      expect(await cleaning.forget(retired), 'as it was before the removal began').toEqual([]);
      expect(await totals()).toEqual({
        held: { files: 2, bytes: 3 },
        retired: { files: 1, bytes: 3 },
        removed: none,
      });
    });

    it('removes bytes, then the record', async () => {
      const { cleaning, one, all, hasObject, totals, store } = await holding(2);
      await cleaning.retire([await one(1), await one(2)], at(20));
      const removed = await cleaning.remove([await one(1, 'retired')], at(30));
      expect(removed).toEqual([{ ...fileOf(1), state: 'retired', retiredAt: at(20), removingSince: at(30) }]);
      expect([await hasObject(sha256('1')), await hasObject(sha256('2'))]).toEqual([false, true]);
      expect(await all('retired')).toHaveLength(2);
      expect(await cleaning.forget(removed)).toHaveLength(1);
      expect(await cleaning.forget(removed)).toEqual([]);
      expect((await all('retired')).map(({ size }) => size)).toEqual([2]);
      expect(await totals()).toEqual({ held: none, retired: { files: 1, bytes: 2 }, removed: { files: 1, bytes: 1 } });
      await store.record(fileOf(1));
      expect(await totals()).toMatchObject({ held: { files: 1, bytes: 1 }, removed: { files: 1, bytes: 1 } });
    });

    it('gives a retired file back to whoever asks for it', async () => {
      const { cleaning, store, one, all, totals } = await holding(2);
      expect(await store.restore(sha1('not here'), at(9))).toBeUndefined();
      expect(await store.restore(sha1('1'), at(9)), 'held anyway').toBeUndefined();
      await cleaning.retire([await one(1)], at(20));
      expect(await store.restore(sha1('1'), at(30))).toEqual(fileOf(1));
      expect((await store.held([sha1('1')])).get(sha1('1'))).toEqual(fileOf(1));
      expect(await all('retired')).toEqual([]);
      expect(await totals()).toEqual({ held: { files: 2, bytes: 3 }, retired: none, removed: none });
    });

    it('lets nobody bring a file back while its bytes are being removed, and everybody when that broke off', async () => {
      const { cleaning, store, one, all } = await holding(1);
      await cleaning.retire([await one(1)], at(20));
      await expect(store.record(fileOf(1)), 'uploaded meanwhile').rejects.toMatchObject({ code: 'conflict' });
      const [removing] = await cleaning.remove([await one(1, 'retired')], at(30));
      if (removing === undefined) throw new Error('nothing was removed');
      await expect(store.restore(sha1('1'), at(30 + 3599))).rejects.toMatchObject({ code: 'conflict' });
      expect(await store.restore(sha1('1'), at(30 + 3600)), 'to be uploaded').toBeUndefined();
      expect(await all('retired')).toEqual([]);
      expect(await cleaning.remove([removing], at(5000)), 'by a run that read it before').toEqual([]);
      await store.record(fileOf(1));
      expect((await store.held([sha1('1')])).get(sha1('1'))).toEqual(fileOf(1));
    });

    it('lists and changes more than fit in one page or one transaction', async () => {
      const { cleaning, store, totals } = await make().then((made) => ({
        ...made,
        totals: async () => ({ held: await made.store.totals(), ...(await made.cleaning.totals()) }),
      }));
      for (let n = 1; n <= 120; n += 1) await store.record(fileOf(n));
      const files: CleanablePayload[] = [];
      let cursor: string | undefined;
      do {
        const page = await cleaning.list('held', { cursor, limit: 50 });
        // What was listed may be gone from the list when it goes on.
        files.push(...(await cleaning.retire(page.items, at(200))));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(files.map(({ size }) => size)).toEqual(Array.from({ length: 120 }, (_, place) => 120 - place));
      expect(await totals()).toMatchObject({ held: none, retired: { files: 120, bytes: 7260 } });
      const retired = (await cleaning.list('retired', { limit: 200 })).items;
      const [stale, ...others] = retired;
      if (stale?.state !== 'retired') throw new Error('nothing is retired');
      const mixed = [...others, { ...stale, retiredAt: at(1) }];
      expect(await cleaning.restore(mixed)).toHaveLength(119);
      expect(await totals()).toMatchObject({ held: { files: 119 }, retired: { files: 1 } });
    });

    it('remembers how many hosts counted', async () => {
      const { cleaning } = await make();
      expect(await cleaning.hosts()).toBeUndefined();
      await cleaning.noteHosts(7, at(1));
      await cleaning.noteHosts(5, at(2));
      expect(await cleaning.hosts()).toBe(5);
    });
  });
}

/** What every CleaningJournal does. */
export function cleaningJournalContract(name: string, make: () => Promise<CleaningJournal>): void {
  describe(`${name} keeps cleanings that were asked for`, () => {
    const started: CleaningRun = { version: 1, runId: 'run-1', state: 'started', startedAt: at(1), wishes: {} };
    it('from the start to the first end', async () => {
      const journal = await make();
      expect(await journal.run('run-1')).toBeUndefined();
      await journal.putRun(started);
      expect(await journal.run('run-1')).toEqual(started);
      const ended = {
        ...started,
        state: 'ended',
        endedAt: at(2),
        result: { outcome: 'stopped', reason: 'why' },
      } as const;
      await journal.putRun(ended);
      await journal.putRun(started);
      await journal.putRun({ ...ended, endedAt: at(3) });
      expect(await journal.run('run-1')).toEqual(ended);
    });
  });
}
