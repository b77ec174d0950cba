import { describe, expect, it } from 'vitest';
import type { ThrottleStore } from './port.ts';

/** What every ThrottleStore does. `make` gives an empty one. */
export function throttleStoreContract(name: string, make: () => Promise<ThrottleStore>): void {
  const noon = Date.UTC(2026, 6, 14, 12);

  describe(`${name} counts requests`, () => {
    it('of each person alone, minute by minute', async () => {
      const store = await make();
      expect(await store.count('ada', noon)).toBe(1);
      expect(await store.count('ada', noon + 59_999)).toBe(2);
      expect(await store.count('grace', noon + 59_999)).toBe(1);
      expect(await store.count('ada', noon + 60_000)).toBe(1);
      expect(await store.count('ada', noon)).toBe(3);
    });

    it('that come at once, each', async () => {
      const store = await make();
      const counts = await Promise.all(Array.from({ length: 20 }, () => store.count('ada', noon)));
      expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    });
  });
}
