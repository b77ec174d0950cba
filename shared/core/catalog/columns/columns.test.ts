import { describe, expect, it } from 'vitest';
import { packFlags, unpackFlags } from './columns.ts';

describe('flags', () => {
  it('come back as they were, and no two are packed alike', () => {
    const packed = new Set<number>();
    let count = 0;
    for (const type of ['unknown', 'software', 'category', 'detectoid'] as const) {
      for (const action of ['install', 'bundle', 'evaluate'] as const) {
        for (const severity of [undefined, 'Critical', 'Important', 'Moderate', 'Low'] as const) {
          for (const reboot of [undefined, 'never', 'can', 'always'] as const) {
            for (let bits = 0; bits < 16; bits += 1) {
              const [isBundle, isLeaf, hasCore, hasExtended] = [1, 2, 4, 8].map((bit) => (bits & bit) !== 0) as [
                boolean,
                boolean,
                boolean,
                boolean,
              ];
              const flags = { type, action, severity, reboot, isBundle, isLeaf, hasCore, hasExtended };
              const number = packFlags({ ...unpackFlags(0), ...flags });
              expect(number).toBeLessThan(1 << 16);
              expect(unpackFlags(number)).toMatchObject(flags);
              packed.add(number);
              count += 1;
            }
          }
        }
      }
    }
    expect(packed.size).toBe(count);
  });
});
