import { describe, expect, it } from 'vitest';
import type { SyncOutcome, SyncProgress, SyncRun } from '#shared/contract/operators/index-sync.ts';
import { at, sha256 } from '#test/kit/values.ts';
import { exitCodes } from '../io.ts';
import { openApi } from '../testing/api.ts';
import { testContext } from '../testing/context.ts';
import { syncIndex } from './index-sync.ts';

const started: SyncRun = { version: 1, runId: 'run-1', state: 'started', startedAt: at(0) };
const underWay = (progress: SyncProgress): SyncRun => ({ ...started, progress });
const ended = (result: SyncOutcome): SyncRun => ({ ...started, state: 'ended', endedAt: at(99), result });
const published = ended({
  outcome: 'published',
  sha256: sha256('index'),
  updates: 4,
  files: 1,
  stored: true,
  factsWritten: 3,
});
const steps = [
  underWay({ phase: 'copying', bytes: 0, of: 649_341_212, at: at(1) }),
  underWay({ phase: 'copying', bytes: 335_544_320, of: 649_341_212, at: at(3) }),
  underWay({ phase: 'copying', bytes: 335_544_320, of: 649_341_212, at: at(3) }),
  underWay({ phase: 'publishing', facts: 2000, at: at(50) }),
];

/** The command against an API that gives these answers, one for each look, and the last one for ever. */
async function run(answers: readonly SyncRun[], options: { json?: boolean; isTTY?: boolean } = {}) {
  let looks = 0;
  const { context, printed } = testContext(({ method }) => {
    if (method === 'POST') return started;
    looks += 1;
    return answers[Math.min(looks, answers.length) - 1];
  }, options);
  const exitCode = await syncIndex(context);
  return { exitCode, ...printed, looks };
}

describe('kbroker index sync', () => {
  it.each([
    [[], {}],
    [['--again'], { again: true }],
    [['--force'], { again: true }],
    [['--allow-older', '--force'], { allowOlder: true, again: true }],
  ])('with %j asks for %j', async (flags, wishes) => {
    const api = await openApi();
    api.answer = ({ method }) => ({ body: method === 'POST' ? started : published });
    const { exitCode } = await api.ask('index', 'sync', ...flags);
    expect([exitCode, api.sent[0]?.body]).toEqual([exitCodes.ok, wishes]);
    await api.close();
  });

  it('tells each step once, and the end', async () => {
    const { exitCode, stdout, stderr } = await run([started, ...steps, published]);
    expect(stderr.split('\n')).toEqual([
      'synchronisation run-1 started',
      'copying from Microsoft: 0 B of 649.3 MB (0 %)',
      'copying from Microsoft: 335.5 MB of 649.3 MB (51 %)',
      'publishing: 2000 facts written',
      '',
    ]);
    expect(stdout).toBe(`published ${sha256('index')}: 4 updates, 1 files; 3 facts were new or changed\n`);
    expect(exitCode).toBe(exitCodes.ok);
  });

  it('rewrites its line on a terminal', async () => {
    const { stderr } = await run([...steps, published], { isTTY: true });
    const lines = stderr.replaceAll('\r\u001b[K', '<').split('\n');
    expect(lines).toEqual([
      expect.stringContaining('started'),
      expect.stringMatching(/^<copying.*<publishing: 2000 facts written$/),
      '',
    ]);
  });

  it('prints JSON: the steps on stderr, the end alone on stdout', async () => {
    const { stdout, stderr } = await run([...steps, published], { json: true });
    const lines = stderr.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).progress?.phase)).toEqual([
      undefined,
      'copying',
      'copying',
      'publishing',
    ]);
    expect(JSON.parse(stdout)).toEqual(published);
  });

  it.each([
    [{ outcome: 'unchanged', sha256: sha256('index') }, /^unchanged: /, exitCodes.ok],
    [{ outcome: 'refused', reason: 'it shrank' }, /^refused, the current index stays: it shrank/, exitCodes.failed],
    [{ outcome: 'failed', reason: '503' }, /^failed, the current index stays: 503/, exitCodes.failed],
  ] as const)('%j', async (result, words, code) => {
    const { exitCode, stdout } = await run([ended(result)]);
    expect(stdout).toMatch(words);
    expect(exitCode).toBe(code);
  });

  it('gives up on a run that says nothing for longer than a tick of the schedule', async () => {
    const { exitCode, stderr, looks } = await run([started]);
    expect(stderr).toMatch(/run-1 said nothing for 75 minutes/);
    expect(looks).toBe(75 * 60);
    expect(exitCode).toBe(exitCodes.failed);
  });
});
