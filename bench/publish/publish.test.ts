import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BenchRow, keepsGoal } from '../kit/bench.ts';
import { publishBench } from './publish.ts';

let cacheFolder: string;
beforeAll(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'kbroker-bench-'));
});
afterAll(() => rm(cacheFolder, { recursive: true }));

it('measures a small publication, an unchanged one and the next, and its goals are kept', async () => {
  const told: string[] = [];
  const rows = await publishBench.run({ progress: (line) => told.push(line), cacheFolder, args: ['--scale', '1/512'] });
  const row = (name: string): BenchRow => {
    const found = rows.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no row ${name} among ${rows.map((each) => each.name).join(', ')}`);
    return found;
  };
  expect(rows.filter((each) => keepsGoal(each) === false)).toEqual([]);
  expect(rows.filter((each) => each.goal !== undefined)).toHaveLength(3);
  expect(told).toContain('next publication');
  // Rows below 1 KB cost one unit each, larger ones more.
  expect(row('first: write request units').value).toBeGreaterThan(row('first: rows written').value);
  expect(row('first: rows written').value).toBeGreaterThanOrEqual(row('first: rows that are there').value);
  expect(row('next: rows whose facts differ').value).toBeGreaterThan(0);
  expect(row('unchanged: price').value).toBeLessThan(row('next: price').value);
  expect(row('next: price').value).toBeLessThan(row('first: price').value);
  expect(rows.map(({ name }) => name)).toContain('first: S3 UploadPart');
});

it.each(['--scale', '--scale 2', '--scale 0', '--all'])('refuses %s, and says what is allowed', async (args) => {
  const context = { progress: () => {}, cacheFolder, args: args.split(' ') };
  await expect(publishBench.run(context)).rejects.toThrow(
    /allowed is --scale S with S above 0 and up to 1, such as 1\/8/,
  );
});
