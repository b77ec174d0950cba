import { describe, expect, it } from 'vitest';
import { sha1, sha256 } from '#test/kit/values.ts';
import type { TransferStore } from './port.ts';

export interface TransferStoreUnderTest {
  readonly store: TransferStore;
  /** The object under a digest's key, as the CDN would serve it; undefined when there is none. */
  object(sha256: string): Promise<Buffer | undefined>;
  /** Everything that is stored and is no payload: staged files and unfinished uploads. */
  leftovers(): Promise<readonly string[]>;
}

/** S3 takes no smaller parts but the last. Bytes. */
const partBytes = 5 * 1024 * 1024;

/** What every TransferStore does. `make` gives an empty one. */
export function transferStoreContract(name: string, make: () => Promise<TransferStoreUnderTest>): void {
  describe(`${name} puts large files together`, () => {
    const bytes = Buffer.alloc(
      2 * partBytes + 7,
      Uint8Array.from({ length: 251 }, (_, n) => n),
    );
    const [file, digest] = [sha1(bytes), sha256(bytes)];
    const part = (n: number): Buffer => bytes.subarray((n - 1) * partBytes, n * partBytes);

    it('of parts in any order, put by whoever knows the upload, out of sight until they are published', async () => {
      const { store, object, leftovers } = await make();
      const id = await store.beginUpload(file);
      await store.upload(file, id).put(3, part(3));
      await store.upload(file, id).put(1, part(1));
      expect(await store.upload(file, id).parts()).toEqual(
        new Map([
          [1, partBytes],
          [3, 7],
        ]),
      );
      const whole = { parts: 3, length: bytes.byteLength };
      await expect(store.upload(file, id).complete(whole)).rejects.toMatchObject({ code: 'conflict' });
      await store.upload(file, id).put(2, part(2));
      await store.upload(file, id).complete(whole);
      expect(await store.upload(file, id).parts()).toBeUndefined();
      expect(await store.stagedBytes(file)).toBe(bytes.byteLength);
      expect(await object(digest)).toBeUndefined();
      const chunks: Uint8Array[] = [];
      for await (const chunk of await store.openStaged(file)) chunks.push(chunk);
      expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
      for (let times = 0; times < 2; times += 1)
        await store.publishStaged(file, { sha256: digest, bytes: bytes.byteLength });
      expect((await object(digest))?.equals(bytes)).toBe(true);
      await store.dropStaged(file);
      await store.dropStaged(file);
      expect(await leftovers()).toEqual([]);
    });

    it('or forgets them', async () => {
      const { store, leftovers } = await make();
      const id = await store.beginUpload(file);
      await store.upload(file, id).put(1, part(1));
      await store.upload(file, id).abort();
      await store.upload(file, id).abort();
      expect(await store.upload(file, id).parts()).toBeUndefined();
      expect(await store.stagedBytes(file)).toBeUndefined();
      expect(await leftovers()).toEqual([]);
    });

    it('and says when there is nothing to prove or to publish', async () => {
      const { store } = await make();
      const missing = { name: 'StoreError', code: 'not-found' };
      await expect(store.openStaged(file)).rejects.toMatchObject(missing);
      await expect(store.publishStaged(file, { sha256: digest, bytes: 7 })).rejects.toMatchObject(missing);
    });
  });
}
