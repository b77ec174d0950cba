import { describe, expect, it } from 'vitest';
import type { ApplyLock } from '#agent/ports/surroundings.ts';
import { createGate, gated } from './gate.ts';

const free: ApplyLock = { acquire: async () => ({ release: async () => undefined }) };

describe('the gate', () => {
  it('lets no more in than it has places, in the order of coming', async () => {
    const gate = createGate(2);
    const inside: number[] = [];
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 7 }, async (_, index) => {
        const held = await gated(free, gate).acquire();
        inside.push(index);
        order.push(index);
        most = Math.max(most, inside.length);
        await new Promise((resolve) => setImmediate(resolve));
        inside.splice(inside.indexOf(index), 1);
        await held.release();
      }),
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('gives the place back when the lock is refused or fails to open again', async () => {
    const gate = createGate(1);
    const busy: ApplyLock = {
      acquire: async () => {
        throw new Error('busy');
      },
    };
    await expect(gated(busy, gate).acquire()).rejects.toThrow('busy');
    const stuck: ApplyLock = {
      acquire: async () => ({
        release: async () => {
          throw new Error('stuck');
        },
      }),
    };
    const held = await gated(stuck, gate).acquire();
    await expect(held.release()).rejects.toThrow('stuck');
    await (await gated(free, gate).acquire()).release();
  });
});
