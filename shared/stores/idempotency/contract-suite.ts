import { describe, expect, it } from 'vitest';
import type { Attempt, IdempotencyStore } from './port.ts';

const noon = Date.UTC(2026, 6, 14, 12);
const answer = Buffer.from('the answer');
const attemptOf = (attempt: string, more: Partial<Attempt> = {}): Attempt => ({
  id: 'request-1',
  fingerprint: 'what is asked',
  attempt,
  at: noon,
  ...more,
});

/** What every IdempotencyStore does. `make` gives an empty one. */
export function idempotencyStoreContract(name: string, make: () => Promise<IdempotencyStore>): void {
  describe(`${name} carries a request out once`, () => {
    it('and gives its answer to whoever sends it again', async () => {
      const store = await make();
      expect(await store.begin(attemptOf('a'), noon + 60_000)).toEqual({ state: 'begun' });
      expect(await store.finish(attemptOf('a'), answer, noon + 3_600_000)).toBe(true);
      const again = await store.begin(attemptOf('b', { at: noon + 3_599_999 }), noon + 3_660_000);
      expect(again.state === 'answered' && Buffer.from(again.answer).toString()).toBe('the answer');
      expect(await store.begin(attemptOf('c', { at: noon + 3_600_000 }), noon + 3_660_000)).toEqual({ state: 'begun' });
    });

    it('of many that come at once', async () => {
      const store = await make();
      const begun = await Promise.all(['a', 'b', 'c', 'd'].map((id) => store.begin(attemptOf(id), noon + 60_000)));
      expect(begun.filter(({ state }) => state === 'begun')).toHaveLength(1);
      expect(begun.filter(({ state }) => state === 'under-way')).toEqual(
        Array.from({ length: 3 }, () => ({ state: 'under-way', until: noon + 60_000 })),
      );
    });

    it('unless another request has its id, whether that has ended or not', async () => {
      const store = await make();
      const other = attemptOf('b', { fingerprint: 'something else' });
      await store.begin(attemptOf('a'), noon + 60_000);
      expect(await store.begin(other, noon + 60_000)).toEqual({ state: 'mismatch' });
      await store.finish(attemptOf('a'), answer, noon + 3_600_000);
      expect(await store.begin(other, noon + 60_000)).toEqual({ state: 'mismatch' });
      expect(await store.begin({ ...other, id: 'request-2' }, noon + 60_000)).toEqual({ state: 'begun' });
    });

    it('by another try when the first came to no end', async () => {
      const store = await make();
      await store.begin(attemptOf('a'), noon + 60_000);
      const late = attemptOf('b', { at: noon + 60_000 });
      expect(await store.begin(late, noon + 120_000)).toEqual({ state: 'begun' });
      expect(await store.finish(attemptOf('a'), answer, noon + 3_600_000)).toBe(false);
      await store.abandon(attemptOf('a'));
      expect(await store.begin(attemptOf('c', { at: noon + 60_001 }), noon + 120_000)).toEqual({
        state: 'under-way',
        until: noon + 120_000,
      });
      expect(await store.finish(late, answer, noon + 3_600_000)).toBe(true);
    });

    it('at once when the first was given up, and an answer is not given up any more', async () => {
      const store = await make();
      await store.begin(attemptOf('a'), noon + 60_000);
      await store.abandon(attemptOf('a'));
      await store.abandon(attemptOf('a'));
      expect(await store.begin(attemptOf('b'), noon + 60_000)).toEqual({ state: 'begun' });
      await store.finish(attemptOf('b'), answer, noon + 3_600_000);
      await store.abandon(attemptOf('b'));
      expect(await store.begin(attemptOf('c'), noon + 60_000)).toMatchObject({ state: 'answered' });
    });
  });
}
