import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { type ByteSink, type CabHandlers, CabReader } from '../index.ts';
import { markup } from '../testing/corpus.ts';
import { encodeCab } from '../testing/encode.ts';
import { cabErrorOf } from '../testing/unpack.ts';
import { WasmInstance } from './instance.ts';

const discard: ByteSink = { write: () => undefined, end: () => undefined };
const onMember: CabHandlers['onMember'] = ({ name }) => (name.endsWith('.cab') ? new CabReader({ onMember }) : discard);

const data = markup(40_000, 1);
const inner = encodeCab({ members: [{ name: 'x\\1', data }], compression: { lzx: 21 } });
const cutInner = inner.subarray(0, inner.length - 10);
const outerOf = (...cabs: Uint8Array[]) =>
  encodeCab({ members: cabs.map((data, i) => ({ name: `package${i}.cab`, data })), compression: { lzx: 21 } });
const outer = outerOf(...Array.from({ length: 20 }, () => inner));

function read(cab: Uint8Array): void {
  const reader = new CabReader({ onMember });
  reader.write(cab);
  reader.end();
}

/** Instances that are made while the call runs, after those that it needs at once are there. */
function madeBy(call: () => void): number {
  read(outer);
  const before = WasmInstance.made;
  call();
  return WasmInstance.made - before;
}

describe('instances of the decoders are used again', () => {
  test('by cabinet after cabinet, two deep', () => {
    expect(madeBy(() => Array.from({ length: 10 }, () => read(outer)))).toBe(0);
  });

  test('when cabinets fail, the inner one or the outer one', () => {
    const bad = outerOf(inner, cutInner);
    const damaged = Uint8Array.from(outer);
    damaged[damaged.length - 5] = (damaged.at(-5) ?? 0) ^ 1;
    expect(
      madeBy(() => {
        for (let i = 0; i < 20; i++) {
          expect(cabErrorOf(() => read(bad)).code).toBe('truncated');
          expect(cabErrorOf(() => read(damaged)).code).toBe('bad-checksum');
          expect(cabErrorOf(() => read(outer.subarray(0, outer.length - 1))).code).toBe('truncated');
        }
      }),
    ).toBe(0);
  });

  test('when a reader is given up half-way, with the reader of the cabinet inside', () => {
    expect(
      madeBy(() => {
        for (let i = 0; i < 20; i++) {
          const reader = new CabReader({ onMember });
          reader.write(outer.subarray(0, outer.length - 100));
          reader.abort();
          reader.abort();
          expect(cabErrorOf(() => reader.write(outer)).reason).toMatch(/^reading was given up after \d+ bytes$/);
        }
      }),
    ).toBe(0);
  });

  test('when readers are just forgotten, as soon as they are collected', { timeout: 30_000 }, async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const before = WasmInstance.made;
    for (let round = 0; round < 30; round++) {
      for (let i = 0; i < 3; i++) new CabReader({ onMember }).write(outer.subarray(0, outer.length - 100));
      collect();
      await setImmediate();
    }
    // 180 were leased; a round needs six at once, and of those only some stay for the next.
    expect(WasmInstance.made - before).toBeLessThan(100);
  });

  test('without a trace of the cabinet before', () => {
    read(outer);
    const members = [{ name: 'b', data }];
    for (const compression of ['mszip', { lzx: 15 }, 'stored', { lzx: 21 }, 'mszip'] as const) {
      const parts: Uint8Array[] = [];
      const sink: ByteSink = { write: (chunk) => void parts.push(Uint8Array.from(chunk)), end: () => undefined };
      new CabReader({ onMember: () => sink }).write(encodeCab({ members, compression }));
      expect(Buffer.compare(Buffer.concat(parts), data)).toBe(0);
    }
  });
});
