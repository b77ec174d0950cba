import { describe, expect, it } from 'vitest';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import type { PayloadStore } from './port.ts';

export interface PayloadStoreUnderTest {
  readonly store: PayloadStore;
  /** The object under a digest's key, as the CDN would serve it; undefined when there is none. */
  object(sha256: string): Promise<Buffer | undefined>;
  /** Everything that is stored and is no payload: staging objects and unfinished uploads. */
  leftovers(): Promise<readonly string[]>;
}

/** What every PayloadStore does. `make` gives an empty one. */
export function payloadStoreContract(name: string, make: () => Promise<PayloadStoreUnderTest>): void {
  describe(`${name} keeps payload files`, () => {
    const small = Buffer.from('a payload');
    /** Over two parts of the AWS adapter, with bytes that tell where they are. */
    const large = Buffer.alloc(
      17 * 1024 * 1024 + 5,
      Uint8Array.from({ length: 251 }, (_, n) => n),
    );

    for (const [what, bytes] of [
      ['a small', small],
      ['an empty', Buffer.alloc(0)],
      ['a large', large],
    ] as const) {
      for (const known of [true, false]) {
        it(`shows ${what} file after it is complete, SHA-256 ${known ? 'known' : 'not known'}`, async () => {
          const { store, object, leftovers } = await make();
          const digest = sha256(bytes);
          const upload = await store.begin({ sha1: sha1(bytes), sha256: known ? digest : undefined });
          const scratch = Buffer.alloc(1_000_003);
          for (let start = 0; start < bytes.byteLength; start += scratch.byteLength) {
            // One buffer for all chunks: what was written must have been copied.
            const length = bytes.copy(scratch, 0, start);
            await upload.write(scratch.subarray(0, length));
            expect(await object(digest)).toBeUndefined();
          }
          await upload.complete(digest);
          expect((await object(digest))?.equals(bytes)).toBe(true);
          expect(await leftovers()).toEqual([]);
          await upload.abort();
          expect((await object(digest))?.equals(bytes)).toBe(true);
        });

        it(`forgets ${what} file that is aborted, SHA-256 ${known ? 'known' : 'not known'}`, async () => {
          const { store, object, leftovers } = await make();
          const upload = await store.begin({ sha1: sha1(bytes), sha256: known ? sha256(bytes) : undefined });
          await upload.write(bytes);
          await upload.abort();
          await upload.abort();
          expect(await object(sha256(bytes))).toBeUndefined();
          expect(await leftovers()).toEqual([]);
        });
      }
    }

    it('refuses to complete under another digest than it began with', async () => {
      const { store, object, leftovers } = await make();
      const upload = await store.begin({ sha1: sha1(small), sha256: sha256(small) });
      await upload.write(small);
      await expect(upload.complete(sha256('other'))).rejects.toMatchObject({ code: 'refused' });
      await upload.abort();
      expect(await object(sha256(small))).toBeUndefined();
      expect(await leftovers()).toEqual([]);
    });

    it('writing a file again leaves it as it is', async () => {
      const { store, object } = await make();
      for (let times = 0; times < 2; times += 1) {
        const upload = await store.begin({ sha1: sha1(small), sha256: sha256(small) });
        await upload.write(small);
        await upload.complete(sha256(small));
      }
      expect(await object(sha256(small))).toEqual(small);
    });

    it('records what is held, once, and counts it', async () => {
      const { store } = await make();
      const one = { sha1: sha1('one'), sha256: sha256('one'), size: 3, name: 'one.cab', heldAt: at(0) };
      const two = { sha1: sha1('two'), sha256: sha256('two'), size: 40, heldAt: at(1) };
      expect(await store.totals()).toEqual({ files: 0, bytes: 0 });
      await store.record(one);
      await store.record(two);
      await store.record({ ...one, heldAt: at(9) });
      expect(await store.held([one.sha1, two.sha1, sha1('three')])).toEqual(
        new Map([
          [one.sha1, one],
          [two.sha1, two],
        ]),
      );
      expect(await store.totals()).toEqual({ files: 2, bytes: 43 });
    });

    it('counts what was fetched in each month of UTC', async () => {
      const { store } = await make();
      const files = ['2026-10-31T23:59:59.999Z', '2026-11-01T00:00:00Z', '2026-11-30T12:00:00Z'].map((heldAt, n) => ({
        sha1: sha1(`${n}`),
        sha256: sha256(`${n}`),
        size: 10 ** n,
        heldAt,
      }));
      for (const file of [...files, ...files]) await store.record(file);
      expect(await store.fetchedIn('2026-10')).toEqual({ files: 1, bytes: 1 });
      expect(await store.fetchedIn('2026-11')).toEqual({ files: 2, bytes: 110 });
      expect(await store.fetchedIn('2026-12')).toEqual({ files: 0, bytes: 0 });
    });

    it('lists what is held over pages, the newest first', async () => {
      const { store } = await make();
      const files = [3, 1, 4, 0, 2].map((n) => ({
        sha1: sha1(`${n}`),
        sha256: sha256(`${n}`),
        size: n,
        heldAt: at(n),
      }));
      for (const file of files) await store.record(file);
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({ cursor, limit: 2 });
        expect(page.unreadable).toEqual([]);
        expect(page.items.length).toBeLessThanOrEqual(2);
        for (const item of page.items) expect(files).toContainEqual(item);
        seen.push(...page.items.map(({ size }) => size));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen).toEqual([4, 3, 2, 1, 0]);
      await expect(store.list({ cursor: 'made up', limit: 2 })).rejects.toMatchObject({ code: 'refused' });
    });

    it('counts right when many record the same files at once', async () => {
      const { store } = await make();
      const files = [1, 2, 3].map((n) => ({ sha1: sha1(`${n}`), sha256: sha256(`${n}`), size: n, heldAt: at(n) }));
      await Promise.all([...files, ...files, ...files].map((file) => store.record(file)));
      expect(await store.totals()).toEqual({ files: 3, bytes: 6 });
    });

    it('refuses to record other bytes for a digest that it holds', async () => {
      const { store } = await make();
      const one = { sha1: sha1('one'), sha256: sha256('one'), size: 3, heldAt: at(0) };
      await store.record(one);
      await expect(store.record({ ...one, sha256: sha256('forged') })).rejects.toMatchObject({ code: 'conflict' });
      await expect(store.record({ ...one, size: 4 })).rejects.toMatchObject({ code: 'conflict' });
      expect((await store.held([one.sha1])).get(one.sha1)).toEqual(one);
    });
  });
}
