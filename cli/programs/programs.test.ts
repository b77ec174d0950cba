import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../testing/api.ts';

/** Commands that the help of one lists, without "help" itself. */
async function subcommandsOf(path: readonly string[]): Promise<string[]> {
  const { stdout } = await run([...path, '--help']);
  const [, listed = ''] = stdout.split('\nCommands:\n');
  return [...listed.matchAll(/^ {2}([a-z-]+)/gm)].flatMap(([, name]) =>
    name === undefined || name === 'help' ? [] : name,
  );
}

/** Each command that does something, as it is typed. */
async function leavesOf(path: readonly string[]): Promise<string[][]> {
  const names = await subcommandsOf(path);
  if (names.length === 0) return [[...path]];
  return (await Promise.all(names.map((name) => leavesOf([...path, name])))).flat();
}

describe('every command', () => {
  let leaves: string[][];
  beforeAll(async () => {
    leaves = await leavesOf([]);
  });

  it('has help that says what it does, and --json', async () => {
    expect(leaves.length).toBeGreaterThan(30);
    for (const leaf of leaves) {
      const { exitCode, stdout } = await run([...leaf, '--help']);
      expect([leaf, exitCode, stdout]).toEqual([leaf, 0, expect.stringMatching(/^Usage: kbroker .+\n\n\S/)]);
      expect([leaf, stdout]).toEqual([leaf, expect.stringContaining('  --json ')]);
    }
  });

  it('stands in docs/cli.md', async () => {
    const text = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    const missing = leaves
      .map((leaf) => `kbroker ${leaf.join(' ')}`)
      .filter((command) => !text.includes(`\`${command}`));
    expect(missing).toEqual([]);
  });

  it('is one of those that docs/cli.md names', async () => {
    const text = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `kbroker ([a-z-]+(?: [a-z-]+)?)/gm)].map(([, command]) => command);
    const known = leaves.map((leaf) => leaf.join(' '));
    expect(rows.filter((command) => command !== undefined && !known.includes(command))).toEqual([]);
    expect(rows.length).toBe(known.length);
  });
});
