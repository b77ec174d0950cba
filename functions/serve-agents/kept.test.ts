import { expect, it } from 'vitest';
import { kept } from './kept.ts';

function counted(read: (n: number) => number = (n) => n) {
  const state = { now: 0, reads: 0 };
  const get = kept(
    async () => {
      state.reads += 1;
      return read(state.reads);
    },
    { milliseconds: 100, now: () => state.now },
  );
  return { state, get };
}

it('what was read is used for some time, and read once for all who ask', async () => {
  const { state, get } = counted();
  expect(await Promise.all([get(), get()])).toEqual([1, 1]);
  state.now = 99;
  expect(await get()).toBe(1);
  state.now = 100;
  expect(await get()).toBe(2);
});

it('a failure is not kept', async () => {
  const { get } = counted((n) => {
    if (n === 1) throw new Error('not now');
    return n;
  });
  await expect(get()).rejects.toThrow('not now');
  expect(await get()).toBe(2);
});
