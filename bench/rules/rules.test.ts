import { expect, it } from 'vitest';
import { rulesBench } from './rules.ts';

const run = (args: string) => {
  const told: string[] = [];
  const rows = rulesBench.run({ progress: (line) => told.push(line), cacheFolder: '', args: args.split(' ') });
  return rows.then((found) => ({ told, row: (name: string) => found.find((each) => each.name === name), found }));
};

it('judges a few updates by all sizes of books', async () => {
  const { told, row, found } = await run('--updates 300 --rounds 1');
  expect(told).toEqual(['300 updates', 'round 1 of 1']);
  for (const size of [10, 100, 1000, 10_000]) {
    expect(row(`${size} rules: verdicts per second`)?.value).toBeGreaterThan(0);
    const share = row(`${size} rules: share that a rule decides`)?.value;
    expect(share).toBeGreaterThan(0);
  }
  // Times of so few updates say nothing, so the goal is looked for but not held.
  expect(row('1000 rules: of the time with 10')?.goal).toEqual({ atMost: 3 });
  expect(found.filter(({ goal }) => goal !== undefined)).toHaveLength(1);
  expect(row('1000 title patterns: share that a rule decides')?.value).toBe(0);
});

it.each([
  ['--updates 0', '--updates is 0, allowed is a whole number from 1 to 9999999'],
  ['--rounds many', '--rounds is many, allowed is a whole number from 1 to 9999999'],
  ['--colour', "Unknown option '--colour'"],
])('refuses %s, and says what is allowed', async (args, message) => {
  await expect(run(args)).rejects.toThrow(message);
});
