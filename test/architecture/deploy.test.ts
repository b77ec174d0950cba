import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { main as agent } from '#agent/cli.ts';
import { main as kbroker } from '#cli/main.ts';
import { projectDir } from '#infra/kit/paths.ts';
import { synthesize } from '#infra/testing/synth.ts';

const text = readFileSync(join(projectDir, 'docs/deploy.md'), 'utf8');

/** Commands of ours in the blocks of code and between backticks, as they are typed. */
const commands = [...text.matchAll(/npx (kbroker|kbroker-agent) ([^\n`]+)/g)].map(([, program = '', rest = '']) => ({
  program,
  // What the shell would put into quotes is one word.
  words: rest.match(/"[^"]*"(?:[^\s"]*)|\S+/g)?.map(String) ?? [],
}));

/** Help of a command, and whether there is one. */
async function helpOf(program: string, words: readonly string[]): Promise<string> {
  let printed = '';
  const stream = {
    write: (part: string): void => {
      printed += part;
    },
  };
  const io = { stdout: stream, stderr: stream, env: {}, signal: new AbortController().signal };
  const run = program === 'kbroker' ? kbroker : agent;
  expect(await run([...words, '--help'], io), printed).toBe(0);
  return printed;
}

it('docs/deploy.md names commands', () => {
  expect(commands.length).toBeGreaterThan(8);
});

it.each(commands)('docs/deploy.md types $program $words as it is taken', async ({ program, words }) => {
  const flags = words.filter((word) => word.startsWith('--'));
  const first = words.findIndex((word) => word.startsWith('--'));
  const named = first < 0 ? words : words.slice(0, first);
  // The last word may be an argument, which the help names in its own way.
  const usage = new RegExp(`^Usage: ${program} ${named.slice(0, 2).join(' ')}\\b`);
  const help = await helpOf(program, named.slice(0, 2));
  expect(help).toMatch(usage);
  for (const flag of flags) expect(help).toMatch(new RegExp(`^ +(-\\w, )?${flag}\\b`, 'm'));
});

it('docs/deploy.md asks for outputs that the stack has', () => {
  const asked = [...text.matchAll(/\$\(output (\w+)\)/g)].map(([, name]) => name);
  const synthesized = synthesize();
  try {
    expect(Object.keys(synthesized.template.Outputs)).toEqual(expect.arrayContaining(asked));
    expect(asked).toContain('ApiUrl');
  } finally {
    synthesized.remove();
  }
});
