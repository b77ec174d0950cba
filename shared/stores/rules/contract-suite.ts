import { describe, expect, it } from 'vitest';
import { at } from '#test/kit/values.ts';
import { defaultRules } from '../../contract/rules.ts';
import type { RuleStore } from './port.ts';

/** What every RuleStore does. `make` gives one that nobody wrote to. */
export function ruleStoreContract(name: string, make: () => Promise<RuleStore>): void {
  describe(`${name} keeps rules`, () => {
    const { revision: _, ...none } = defaultRules;
    const some = { ...none, allowedKbs: ['5000001'], allowedSeverities: ['Critical' as const], changedAt: at(0) };

    it('allows nothing until somebody writes rules', async () => {
      expect(await (await make()).get()).toEqual(defaultRules);
    });

    it('counts revisions, and refuses a change of rules that are not in force any more', async () => {
      const store = await make();
      expect(await store.put(some, 0)).toEqual({ ...some, revision: 1 });
      await expect(store.put(none, 0)).rejects.toMatchObject({ name: 'StoreError', code: 'conflict' });
      expect(await store.get()).toEqual({ ...some, revision: 1 });
      expect(await store.put({ ...some, defaultAllow: true }, 1)).toMatchObject({ revision: 2, defaultAllow: true });
      await expect(store.put(none, 1)).rejects.toMatchObject({ code: 'conflict' });
      await expect(store.put(none, 7)).rejects.toMatchObject({ code: 'conflict' });
      expect(await store.get()).toMatchObject({ revision: 2 });
    });

    it('a change before there is any must not claim a revision', async () => {
      await expect((await make()).put(none, 3)).rejects.toMatchObject({ code: 'conflict' });
    });

    it('of two changes at once one wins', async () => {
      const store = await make();
      const results = await Promise.allSettled([store.put(some, 0), store.put(none, 0)]);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await store.get()).revision).toBe(1);
    });
  });
}
