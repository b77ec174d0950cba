import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** `docs/security.md` names a test for each threat: `file` › beginning of its title. */
const rows = readFileSync('docs/security.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| threat'));

it('names a test for each threat', () => {
  expect(rows.length).toBeGreaterThan(30);
});

it.each(rows)('%s', (row) => {
  const [, file = '', title = ''] = /\| `([^`]+)` › (.+) \|$/.exec(row) ?? [];
  expect(existsSync(file), `${file} is not there`).toBe(true);
  const text = readFileSync(file, 'utf8').replaceAll("\\'", "'");
  // Titles are quoted in one way or another; rows of a table stand apart from `it.each`.
  const isThere = ["'", '"', '`'].some(
    (quote) => text.includes(`(${quote}${title}`) || text.includes(`[${quote}${title}`),
  );
  expect(isThere, `no test "${title}" in ${file}`).toBe(true);
});
