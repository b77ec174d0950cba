import { describe, expect, it } from 'vitest';
import { sha256 } from '#test/kit/values.ts';
import type { RepositoryKey } from '../../contract/keys.ts';
import type { RepositoryStore } from './port.ts';

/** What every RepositoryStore does. `make` gives an empty one. */
export function repositoryStoreContract(name: string, make: () => Promise<RepositoryStore>): void {
  describe(`${name} keeps the signed repository`, () => {
    const conflict = { name: 'StoreError', code: 'conflict' };
    const rules: RepositoryKey = { kind: 'metadata', role: 'rules', version: 3 };

    it('as files that are written once', async () => {
      const store = await make();
      expect(await store.read(rules)).toBeUndefined();
      expect(await store.create(rules, 'first')).toBe(true);
      expect(await store.create(rules, 'second')).toBe(false);
      expect(await store.read(rules)).toBe('first');
      const target: RepositoryKey = { kind: 'target', path: 'rules/groups/pilot.json', sha256: sha256('x') };
      expect(await store.create(target, 'ü')).toBe(true);
      expect(await store.read(target)).toBe('ü');
    });

    it('and a timestamp that only moves on from the one that was read', async () => {
      const store = await make();
      expect(await store.timestamp()).toBeUndefined();
      await expect(store.moveTimestamp('1', '"other"')).rejects.toMatchObject(conflict);
      await store.moveTimestamp('1', undefined);
      await expect(store.moveTimestamp('2', undefined)).rejects.toMatchObject(conflict);
      const first = await store.timestamp();
      expect(first?.text).toBe('1');
      await store.moveTimestamp('2', first?.tag);
      await expect(store.moveTimestamp('3', first?.tag)).rejects.toMatchObject(conflict);
      expect((await store.timestamp())?.text).toBe('2');
    });

    it('of publishers who come at once one wins', async () => {
      const store = await make();
      await store.moveTimestamp('0', undefined);
      const { tag } = (await store.timestamp()) ?? {};
      const tries = await Promise.allSettled(['a', 'b', 'c', 'd'].map((text) => store.moveTimestamp(text, tag)));
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });
  });
}
