import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const fuzz = (...args: string[]) =>
  spawnSync(process.execPath, ['test/fuzz/main.ts', ...args], { encoding: 'utf8', timeout: 60_000 });

describe('npm run fuzz', () => {
  it('tells how it is used, on the output when it was asked and as an error when it was not', () => {
    const asked = fuzz('--help');
    expect([asked.status, asked.stderr]).toEqual([0, '']);
    expect(asked.stdout).toMatch(/^Usage: npm run fuzz -- NAME/);
    const bare = fuzz();
    expect([bare.status, bare.stdout]).toEqual([2, '']);
    expect(bare.stderr).toMatch(/^Usage/);
  });

  it.each([
    [['cabinets'], /there is no fuzzer "cabinets"/],
    [['cabinet', '--minutes', '0'], /--minutes is "0"; it must be a number above 0/],
    [['cabinet', '--seed', '-1'], /--seed/],
    [['cabinet', '--hours', '1'], /--hours/],
  ])('refuses %j with the reason', (args, message) => {
    const { status, stderr } = fuzz(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('tries inputs until the time is over', () => {
    const { status, stdout } = fuzz('cabinet', '--minutes', '0.01', '--seed', '1');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^cabinet: seed 1, 0\.01 minutes\n(.*\n)*cabinet: seed 1, \d+ inputs?, 0 findings\n$/);
  });
});
