import { expect, it } from 'vitest';
import { keepsGoal } from '../kit/bench.ts';
import { storageBench } from './storage.ts';

it('the benchmark of storage keeps its goals, on an input that is always the same', async () => {
  const context = { progress: () => {}, cacheFolder: '', args: [] };
  const rows = await storageBench.run(context);
  expect(rows.filter((row) => keepsGoal(row) === false)).toEqual([]);
  const value = (name: string) => rows.find((row) => row.name === name)?.value;
  expect(value('all files of the products: files')).toBe(173);
  expect(value('asked for: files')).toBe(148);
  expect(value('asked for: fetched again after a cleaning')).toBe(0);
});
