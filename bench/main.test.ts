import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

it.each([
  ['cabinet --rounds x', 'arguments are ["--rounds","x"]; allowed is --rounds N with a whole N of at least 1'],
  ['index --scale 8', '--scale is 8, allowed is a number or fraction above 0 and up to 1, such as 1/8'],
  ['index --colour', "Unknown option '--colour'"],
  ['publish --scale 2', 'got --scale 2, allowed is --scale S with S above 0 and up to 1, such as 1/8'],
  ['rules --rounds 0', '--rounds is 0, allowed is a whole number from 1 to 9999999'],
  ['speed', 'there is no "speed"; there are: cabinet, index, publish, rules, trust, reports'],
])('refuses %s with one line and exit code 2', (line, message) => {
  const args = [resolve(import.meta.dirname, 'main.ts'), ...line.split(' ')];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^bench: [^\n]*\n$/);
  expect(stderr).toContain(message);
});
