import fc from 'fast-check';
import { expect, it } from 'vitest';
import { likeTitle } from '#test/kit/rules/plain.ts';
import { titlePattern } from './title-pattern.ts';

it('matches what the same pattern as a regular expression matches', () => {
  const letters = (alphabet: readonly string[], maxLength: number) =>
    fc.array(fc.constantFrom(...alphabet), { maxLength }).map((each) => each.join(''));
  fc.assert(
    fc.property(letters(['a', 'B', '*', '?', '.'], 7), letters(['a', 'b', '.', '\n'], 9), (pattern, title) => {
      expect(titlePattern(pattern)(title)).toBe(likeTitle(pattern).test(title));
    }),
    { numRuns: 5000 },
  );
});

it.each([
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['**', 'anything', true],
  ['?', '', false],
  ['a*a', 'a', false],
  ['*ab*b', 'ab', false],
  ['*aab', 'aaab', true],
  ['*preview*(kb50?????)', '2026-01 cumulative update preview (kb5000001)', true],
])('pattern %j, title %j: %s', (pattern, title, expected) => {
  expect(titlePattern(pattern)(title)).toBe(expected);
});

it('ends at once where a regular expression would try for ever', () => {
  const title = 'a'.repeat(1024);
  for (const piece of ['*a', '*?a', '*a?a']) {
    expect(titlePattern(`${piece.repeat(250)}*b`)(title)).toBe(false);
  }
});
