/**
 * Wildcards of IAM: `*` stands for any text, `?` for one character.
 * @param ignoreCase actions are compared without regard to case; everything else is exact
 */
export function matches(pattern: string, text: string, ignoreCase = false): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, ignoreCase ? 'is' : 's').test(text);
}
