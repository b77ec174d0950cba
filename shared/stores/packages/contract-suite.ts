import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PackageFileCleaning, PackageFileId, PackageFileStore } from './port.ts';

/** Both sides of one store, which begins empty. */
export interface PackageFilesUnderTest {
  readonly store: PackageFileStore;
  readonly cleaning: PackageFileCleaning;
  /** Puts a file there as whoever has its upload address does. */
  put(file: PackageFileId, bytes: string): Promise<void>;
}

/** What every store of files of packages has to keep. */
export function packageFilesContract(under: {
  readonly name: string;
  /** Makes an empty store; called once for each test. */
  prepare(): Promise<PackageFilesUnderTest>;
}): void {
  describe(`files of packages: ${under.name}`, () => {
    let files: PackageFilesUnderTest;
    beforeEach(async () => {
      files = await under.prepare();
    });
    const idOf = (bytes: string): PackageFileId => ({
      sha256: createHash('sha256').update(bytes).digest('hex'),
      size: Buffer.byteLength(bytes),
    });
    const listed = async (): Promise<PackageFileId[]> => {
      const found: PackageFileId[] = [];
      for await (const file of files.cleaning.list()) found.push(file);
      return found.toSorted((a, b) => a.size - b.size);
    };

    it('has what was put there, by digest and length', async () => {
      expect(await files.store.has(idOf('setup'))).toBe(false);
      await files.put(idOf('setup'), 'setup');
      expect(await files.store.has(idOf('setup'))).toBe(true);
      expect(await files.store.has({ ...idOf('setup'), size: 6 })).toBe(false);
      expect(await files.store.has(idOf('other'))).toBe(false);
    });

    it('gives an address that ends', async () => {
      const { url, expiresAt } = await files.store.uploadAddress(idOf('setup'));
      expect(url).toContain(idOf('setup').sha256);
      expect(Number.isNaN(Date.parse(expiresAt))).toBe(false);
      expect(await listed(), 'an address is no file').toEqual([]);
    });

    it('lists and removes; removing what is not there changes nothing', async () => {
      await files.put(idOf('one'), 'one');
      await files.put(idOf('three'), 'three');
      expect(await listed()).toEqual([idOf('one'), idOf('three')]);
      await files.cleaning.remove(idOf('one').sha256);
      await files.cleaning.remove(idOf('one').sha256);
      expect(await listed()).toEqual([idOf('three')]);
    });

    it('remembers since when files are named by nothing', async () => {
      expect(await files.cleaning.unnamed()).toEqual(new Map());
      const since = new Map([[idOf('one').sha256, '2026-01-01T00:00:00.000Z']]);
      await files.cleaning.noteUnnamed(since);
      expect(await files.cleaning.unnamed()).toEqual(since);
      await files.cleaning.noteUnnamed(new Map());
      expect(await files.cleaning.unnamed()).toEqual(new Map());
    });
  });
}
