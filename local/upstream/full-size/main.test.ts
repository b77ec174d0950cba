import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'kbroker-full-size-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const out = join(folder, 'index.cab');

const generate = (...args: string[]) =>
  spawnSync(process.execPath, ['local/upstream/full-size/main.ts', ...args], { encoding: 'utf8', timeout: 100_000 });
const inspect = (file: string) =>
  spawnSync(process.execPath, ['cli/bin.js', 'index', 'inspect', file], { encoding: 'utf8', timeout: 60_000 });

describe('npm run full-size', () => {
  it.each([
    [['--scale', '1/1000000'], /--scale is 1\/1000000, allowed is a number or fraction from 1\/4096 to 1/],
    [['--scale', '0'], /--scale is 0/],
    [['--scale', '2'], /--scale is 2/],
    [['--scale', '1/0'], /--scale is 1\/0/],
    [['--month', '2025-12'], /--month is 2025-12, allowed is 2026-01 to 2035-12/],
    [['--seed', '-'], /--seed/],
  ])('refuses %j with what is allowed, and writes nothing', (args, message) => {
    const { status, stdout, stderr } = generate('--out', out, ...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });

  it('writes at its smallest what our reader takes', () => {
    expect(generate('--out', out, '--scale', '1/4096')).toMatchObject({ status: 0 });
    expect(inspect(out)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Updates\s+\d+:/m) });
  });
});
