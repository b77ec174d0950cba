import { describe, expect, it } from 'vitest';
import { growthOf } from './growth.ts';

/** Costs of indexes of 1/256, 1/8 and 1 whose reading costs this for a share. */
function growth(cpuSeconds: (share: number) => number): number {
  const at = (share: number) => ({ bytes: share * 8e9, cpuSeconds: cpuSeconds(share) });
  return growthOf(at(1 / 256), at(1 / 8), at(1));
}

describe('the growth of the cost', () => {
  it('is 1 for what grows with the index, however long the process takes to start', () => {
    expect(growth((share) => 9 * share)).toBeCloseTo(1, 6);
    expect(growth((share) => 0.8 + 9 * share)).toBeCloseTo(1, 6);
  });

  it('shows what grows faster, which the start does not hide', () => {
    const cost = (share: number): number => 0.8 + 6 * share + 3 * share ** 2;
    // So it was compared before, and called linear.
    expect(cost(1) / cost(1 / 8) / 8).toBeLessThan(1.1);
    expect(growth(cost)).toBeGreaterThan(1.3);
  });

  it('is no number when the cost does not grow', () => {
    expect(growth(() => 1)).toBeNaN();
    expect(growth((share) => 1 - share)).toBeNaN();
  });
});
