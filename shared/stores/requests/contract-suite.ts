import { describe, expect, it } from 'vitest';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import type { FileRequestState } from '../../contract/requests.ts';
import type { Claim, NewRequest, RequestStore } from './port.ts';

const file = sha1('file');
const request = (more: Partial<NewRequest> = {}): NewRequest => ({
  sha1: file,
  name: 'file.cab',
  size: 4,
  requestedBy: 'pc-1',
  requestedAt: at(0),
  ...more,
});
const claimOf = (messageId: string, receiveCount: number, leaseUntil = at(900)): Claim => ({
  messageId,
  receiveCount,
  leaseUntil,
});
/** Nothing was queued before it. */
const never = at(-1000);

/**
 * What every RequestStore does. `make` gives an empty one that opens requests that were given up again after
 * `retryFailedAfterSeconds`.
 */
export function requestStoreContract(
  name: string,
  make: (options: { retryFailedAfterSeconds: number }) => Promise<RequestStore>,
): void {
  const fresh = (): Promise<RequestStore> => make({ retryFailedAfterSeconds: 100 });
  const current = async (store: RequestStore) => (await store.get([file])).get(file);
  /** A store with the one request in the given state. */
  const inState = async (state: FileRequestState): Promise<RequestStore> => {
    const store = await fresh();
    await store.open(request());
    if (state === 'open') return store;
    await store.markQueued(file, at(1), never);
    if (state === 'queued') return store;
    await store.claim(file, claimOf('m1', 1), at(2));
    if (state === 'done') await store.complete(file, { at: at(3), sha256: sha256('file') });
    if (state === 'failed') await store.fail(file, claimOf('m1', 1), { at: at(3), error: 'wrong bytes', final: true });
    return store;
  };

  describe(`${name} opens requests`, () => {
    it('once, however many hosts ask', async () => {
      const store = await fresh();
      const answers = await Promise.all([
        store.open(request()),
        store.open(request({ requestedBy: 'pc-2' })),
        store.open(request({ requestedBy: 'pc-3' })),
      ]);
      expect(answers.sort()).toEqual(['already', 'already', 'opened']);
      expect(await current(store)).toMatchObject({ state: 'open', attempts: 0, name: 'file.cab', size: 4 });
    });

    it('without name and size too', async () => {
      const store = await fresh();
      await store.open({ sha1: file, requestedBy: 'pc-1', requestedAt: at(0) });
      expect(await current(store)).toEqual({
        version: 1,
        sha1: file,
        state: 'open',
        requestedAt: at(0),
        requestedBy: 'pc-1',
        attempts: 0,
      });
    });

    it.each(['open', 'queued', 'fetching'] as const)('not again while one is %s', async (state) => {
      const store = await inState(state);
      const before = await current(store);
      expect(await store.open(request({ requestedAt: at(500) }))).toBe('already');
      expect(await current(store)).toEqual(before);
    });

    it('again after one is done, as if it were the first', async () => {
      const store = await inState('done');
      expect(await store.open(request({ requestedBy: 'pc-2', requestedAt: at(500) }))).toBe('opened');
      expect(await current(store)).toEqual({
        version: 1,
        sha1: file,
        state: 'open',
        name: 'file.cab',
        size: 4,
        requestedAt: at(500),
        requestedBy: 'pc-2',
        attempts: 0,
      });
    });

    it('again some time after one was given up, and remembers why', async () => {
      const store = await inState('failed');
      expect(await store.open(request({ requestedAt: at(102) }))).toBe('failed-recently');
      expect(await current(store)).toMatchObject({ state: 'failed', failedAt: at(3) });
      expect(await store.open(request({ requestedAt: at(103) }))).toBe('opened');
      expect(await current(store)).toMatchObject({ state: 'open', attempts: 0, lastError: 'wrong bytes' });
    });
  });

  describe(`${name} opens requests that were given up`, () => {
    it('at once, when somebody says so', async () => {
      const store = await inState('failed');
      expect(await store.open(request({ requestedAt: at(4), again: true }))).toBe('opened');
      expect(await store.open(request({ requestedAt: at(5), again: true }))).toBe('already');
    });
  });

  describe(`${name} queues requests`, () => {
    it('that are open, once', async () => {
      const store = await inState('open');
      const answers = await Promise.all([store.markQueued(file, at(5), never), store.markQueued(file, at(5), never)]);
      expect(answers.sort()).toEqual([false, true]);
      expect(await current(store)).toMatchObject({ state: 'queued', queuedAt: at(5) });
    });

    it('whose delivery got lost, and no others', async () => {
      const store = await inState('queued');
      expect(await store.markQueued(file, at(50), at(1))).toBe(false);
      expect(await store.markQueued(file, at(50), at(2))).toBe(true);
      expect(await current(store)).toMatchObject({ state: 'queued', queuedAt: at(50) });
    });

    it('whose worker let its lease lapse, and no others', async () => {
      const store = await inState('fetching');
      expect(await store.markQueued(file, at(900), at(900))).toBe(false);
      expect(await store.markQueued(file, at(901), never)).toBe(true);
      expect(await current(store)).not.toHaveProperty('leaseUntil');
    });

    it.each(['done', 'failed'] as const)('not when one is %s', async (state) => {
      expect(await (await inState(state)).markQueued(file, at(9999), at(9999))).toBe(false);
    });

    it('not when there is none', async () => {
      const store = await fresh();
      expect(await store.markQueued(file, at(1), at(1))).toBe(false);
      expect(await current(store)).toBeUndefined();
    });
  });

  describe(`${name} lets one worker claim`, () => {
    it('a queued request, of many that try at once', async () => {
      const store = await inState('queued');
      const claims = await Promise.all(
        ['m1', 'm2', 'm3'].map((message) => store.claim(file, claimOf(message, 1), at(2))),
      );
      expect(claims.filter((claim) => claim !== false)).toEqual([
        {
          version: 1,
          sha1: file,
          state: 'fetching',
          name: 'file.cab',
          size: 4,
          requestedAt: at(0),
          requestedBy: 'pc-1',
          attempts: 1,
          queuedAt: at(1),
          leaseUntil: at(900),
          fruitlessClaims: 1,
        },
      ]);
    });

    it('an open one, when its message is faster than the note of it', async () => {
      const store = await inState('open');
      expect(await store.claim(file, claimOf('m1', 1), at(2))).toMatchObject({ state: 'fetching', queuedAt: at(2) });
    });

    it('not the duplicate of a delivery, nor another message, while the lease lives', async () => {
      const store = await inState('fetching');
      expect(await store.claim(file, claimOf('m1', 1), at(3))).toBe(false);
      expect(await store.claim(file, claimOf('m2', 2), at(3))).toBe(false);
    });

    it('by the redelivery of its message, whose earlier worker is gone', async () => {
      const store = await inState('fetching');
      expect(await store.claim(file, claimOf('m1', 2, at(2000)), at(3))).toMatchObject({
        attempts: 2,
        leaseUntil: at(2000),
      });
      expect(await store.claim(file, claimOf('m1', 1), at(4))).toBe(false);
    });

    it('by anybody after the lease lapsed', async () => {
      const store = await inState('fetching');
      expect(await store.claim(file, claimOf('m2', 1, at(2000)), at(900))).toBe(false);
      expect(await store.claim(file, claimOf('m2', 1, at(2000)), at(901))).toMatchObject({ attempts: 2 });
    });

    it.each(['done', 'failed'] as const)('not when it is %s', async (state) => {
      expect(await (await inState(state)).claim(file, claimOf('m1', 2), at(9999))).toBe(false);
    });

    it('not when there is none', async () => {
      const store = await fresh();
      expect(await store.claim(file, claimOf('m1', 1), at(2))).toBe(false);
      expect(await current(store)).toBeUndefined();
    });
  });

  describe(`${name} keeps what there is of a large file`, () => {
    const transfer = {
      version: 1 as const,
      url: 'http://download.windowsupdate.com/large.cab',
      address: 'https://catalog.s.download.windowsupdate.com/large.cab',
      etag: '"x"',
      length: 4,
      uploadId: 'u1',
      partBytes: 1,
      startedAt: at(2),
    };
    const progress = { bytes: 3, of: 4, startedAt: at(2), at: at(5) };
    const ours = claimOf('m1', 1);
    /** Paused with three of four bytes. */
    const paused = async (): Promise<RequestStore> => {
      const store = await inState('fetching');
      expect(await store.note(file, ours, { transfer })).toBe(true);
      expect(await store.note(file, ours, { transfer, progress })).toBe(true);
      await store.pause(file, ours);
      return store;
    };

    it('from one claim to the next, and shows how far it is', async () => {
      const store = await paused();
      expect(await current(store)).toMatchObject({ state: 'open', progress, attempts: 1 });
      expect(await current(store)).not.toHaveProperty('leaseUntil');
      await store.markQueued(file, at(6), never);
      expect(await store.claim(file, claimOf('m2', 1), at(7))).toMatchObject({
        state: 'fetching',
        transfer,
        progress,
        fruitlessClaims: 1,
      });
    });

    it('and counts claims that added nothing', async () => {
      const store = await inState('queued');
      for (const fruitlessClaims of [1, 2, 3]) {
        const claim = claimOf('m1', fruitlessClaims);
        expect(await store.claim(file, claim, at(2))).toMatchObject({ fruitlessClaims });
        await store.note(file, claim, { transfer });
      }
      await store.note(file, claimOf('m1', 3), { transfer, progress });
      expect(await store.claim(file, claimOf('m1', 4), at(2))).toMatchObject({ fruitlessClaims: 1 });
    });

    it('and renews the lease with each note', async () => {
      const store = await inState('fetching');
      await store.note(file, claimOf('m1', 1, at(100)), { transfer });
      expect(await current(store)).toMatchObject({ leaseUntil: at(100) });
      expect(await store.claim(file, claimOf('m2', 1), at(100))).toBe(false);
      expect(await store.claim(file, claimOf('m2', 1), at(101))).toMatchObject({ transfer });
    });

    it('with the reason why it went no further', async () => {
      const store = await inState('fetching');
      await store.note(file, ours, { transfer, progress });
      await store.pause(file, ours, { error: 'x'.repeat(5000) });
      const after = await current(store);
      expect([after?.state, after?.lastError?.length]).toEqual(['open', 1000]);
    });

    it('until there is none any more', async () => {
      const store = await inState('fetching');
      await store.note(file, ours, { transfer, progress });
      await store.note(file, ours, { transfer: undefined });
      expect(await store.claim(file, claimOf('m1', 2), at(3))).not.toHaveProperty('transfer');
    });

    it('and takes notes of nobody but who has the claim', async () => {
      const store = await inState('fetching');
      await store.claim(file, claimOf('m1', 2), at(3));
      const before = await current(store);
      expect(await store.note(file, ours, { transfer, progress })).toBe(false);
      await store.pause(file, ours);
      expect(await current(store)).toEqual(before);
    });

    it.each([
      ['done', (store: RequestStore) => store.complete(file, { at: at(7), sha256: sha256('file') })],
      ['given up', (store: RequestStore) => store.fail(file, claimOf('m2', 1), { at: at(7), error: 'x', final: true })],
    ])('not when it is %s, nor when it is asked for anew', async (_what, end) => {
      const store = await paused();
      await store.claim(file, claimOf('m2', 1), at(6));
      await end(store);
      expect(await current(store)).not.toHaveProperty('progress');
      await store.open(request({ requestedAt: at(500) }));
      expect(await current(store)).not.toHaveProperty('progress');
      const claim = await store.claim(file, claimOf('m3', 1), at(501));
      expect(claim).toMatchObject({ fruitlessClaims: 1 });
      expect(claim).not.toHaveProperty('transfer');
    });

    it('over a failure that is not the last', async () => {
      const store = await inState('fetching');
      await store.note(file, ours, { transfer, progress });
      await store.fail(file, ours, { at: at(6), error: 'x', final: false });
      expect(await store.claim(file, claimOf('m1', 2), at(7))).toMatchObject({ transfer, progress });
    });
  });

  describe(`${name} ends attempts`, () => {
    it('that failed: the request waits for its redelivery and says why', async () => {
      const store = await inState('fetching');
      await store.fail(file, claimOf('m1', 1), { at: at(3), error: 'x'.repeat(5000), final: false });
      const after = await current(store);
      expect(after).toMatchObject({ state: 'queued', queuedAt: at(3), attempts: 1 });
      expect(after?.lastError?.length).toBe(1000);
      expect(await store.claim(file, claimOf('m1', 2), at(4))).toMatchObject({ attempts: 2 });
    });

    it('that failed for the last time', async () => {
      const store = await inState('failed');
      expect(await current(store)).toEqual({
        version: 1,
        sha1: file,
        state: 'failed',
        name: 'file.cab',
        size: 4,
        requestedAt: at(0),
        requestedBy: 'pc-1',
        attempts: 1,
        failedAt: at(3),
        lastError: 'wrong bytes',
      });
    });

    it('but a worker that was replaced has no say any more', async () => {
      const store = await inState('fetching');
      await store.claim(file, claimOf('m1', 2), at(3));
      const before = await current(store);
      await store.fail(file, claimOf('m1', 1), { at: at(4), error: 'late', final: true });
      expect(await current(store)).toEqual(before);
    });

    it.each(['open', 'queued', 'fetching', 'failed', 'done'] as const)('well, when it was %s', async (state) => {
      const store = await inState(state);
      await store.complete(file, { at: at(7), sha256: sha256('file') });
      const after = await current(store);
      expect(after).toMatchObject({ state: 'done', doneAt: at(7), sha256: sha256('file') });
      expect(after).not.toHaveProperty('lastError');
      expect(after).not.toHaveProperty('leaseUntil');
    });

    it('of a request that is gone without making one', async () => {
      const store = await fresh();
      await store.complete(file, { at: at(7), sha256: sha256('file') });
      expect(await current(store)).toBeUndefined();
    });
  });

  describe(`${name} lists requests`, () => {
    const many = async (): Promise<RequestStore> => {
      const store = await fresh();
      // Opened in another order than asked for.
      for (const n of [4, 0, 3, 1, 2, 6, 5]) await store.open(request({ sha1: sha1(`file ${n}`), requestedAt: at(n) }));
      await store.markQueued(sha1('file 6'), at(10), never);
      return store;
    };
    const all = async (store: RequestStore, state?: FileRequestState): Promise<string[]> => {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({ state, cursor, limit: 2 });
        expect(page.items.length).toBeLessThanOrEqual(2);
        expect(page.unreadable).toEqual([]);
        seen.push(...page.items.map((item) => item.sha1));
        cursor = page.next;
      } while (cursor !== undefined);
      return seen;
    };

    it('of one state, oldest first, over pages', async () => {
      expect(await all(await many(), 'open')).toEqual([0, 1, 2, 3, 4, 5].map((n) => sha1(`file ${n}`)));
    });

    it('of all states, each once', async () => {
      expect((await all(await many())).sort()).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => sha1(`file ${n}`)).sort());
    });

    it('and refuses the cursor of another list', async () => {
      const store = await many();
      const open = await store.list({ state: 'open', limit: 2 });
      const everything = await store.list({ limit: 2 });
      const refused = { name: 'StoreError', code: 'refused' };
      await expect(store.list({ state: 'queued', cursor: open.next, limit: 2 })).rejects.toMatchObject(refused);
      await expect(store.list({ cursor: open.next, limit: 2 })).rejects.toMatchObject(refused);
      await expect(store.list({ state: 'open', cursor: everything.next, limit: 2 })).rejects.toMatchObject(refused);
      await expect(store.list({ cursor: 'nonsense', limit: 2 })).rejects.toMatchObject(refused);
    });

    it('and counts them by state', async () => {
      expect(await (await many()).countByState()).toEqual({ open: 6, queued: 1, fetching: 0, done: 0, failed: 0 });
    });
  });
}
