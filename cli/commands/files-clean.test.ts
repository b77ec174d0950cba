import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CleaningOutcome } from '#shared/contract/operators/cleaning.ts';
import { at, sha1 } from '#test/kit/values.ts';
import { openApi, type TestApi } from '../testing/api.ts';
import { testContext } from '../testing/context.ts';
import { cleanFiles } from './files-clean.ts';

let api: TestApi;
let result: CleaningOutcome;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(() => {
  api.sent.splice(0);
  result = cleaned;
  api.answer = ({ method, body }) => {
    const run = { version: 1, runId: 'run-1', startedAt: at(1) };
    if (method === 'POST') return { body: { ...run, state: 'started', wishes: body } };
    return { body: { ...run, state: 'ended', wishes: {}, endedAt: at(2), result } };
  };
});

const none = { files: 0, bytes: 0 };
const cleaned: CleaningOutcome = {
  outcome: 'cleaned',
  dryRun: false,
  finished: true,
  hosts: 1,
  needed: { files: 7, bytes: 7_000_000 },
  waiting: { files: 1, bytes: 1500 },
  retired: { files: 2, bytes: 3_000_000 },
  pausing: none,
  restored: none,
  removed: { files: 1, bytes: 2_000_000 },
  largest: [
    { sha1: sha1('a'), name: 'a.cab', size: 2_000_000, step: 'removed' },
    { sha1: sha1('b'), size: 1_500_000, step: 'retired' },
  ],
  unreadable: [],
};
const asked = () => api.sent.filter(({ method }) => method === 'POST').map(({ url, body }) => ({ url, body }));
const url = '/v1/files/cleanings';

describe('kbroker files clean', () => {
  it('says what was done', async () => {
    const { exitCode, stdout, stderr } = await api.ask('files', 'clean', '--yes');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'cleaning run-1 started\n' });
    expect(stdout.split('\n')).toEqual([
      'needed by 1 host: 7 files, 7.0 MB',
      'not needed, in their grace period: 1 file, 1.5 kB',
      'offered no more, and deleted after the pause: 2 files, 3.0 MB',
      'offered no more before, to be deleted after the pause: 0 files, 0 B',
      'freed: 1 file, 2.0 MB',
      expect.stringMatching(/^LARGEST +SIZE +WHAT +SHA-1$/),
      `a.cab    2.0 MB  deleted          ${sha1('a')}`,
      `unnamed  1.5 MB  offered no more  ${sha1('b')}`,
      '',
    ]);
    expect(asked()).toEqual([{ url, body: {} }]);
  });

  it('says what would be done, and asks for no more', async () => {
    result = { ...cleaned, dryRun: true, restored: { files: 1, bytes: 1000 }, finished: false, unreadable: ['bad'] };
    const { exitCode, stdout, stderr } = await api.ask('files', 'clean', '--dry-run', '--grace', '0d');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('would be offered no more, and deleted after the pause: 2 files, 3.0 MB\n');
    expect(stdout).toContain('would be offered again, since hosts need them again: 1 file, 1.0 kB\n');
    expect(stdout).toContain('would be freed: 1 file, 2.0 MB\n');
    expect(stdout).toContain('the time was over before all files were looked at');
    expect(stderr).toBe('dry run run-1 started\nunreadable row in the store: bad\n');
    expect(asked()).toEqual([{ url, body: { dryRun: true, graceSeconds: 0 } }]);
  });

  it('has each run as JSON, and the wishes of its flags', async () => {
    const { stdout, stderr } = await api.ask('files', 'clean', '--yes', '--grace', '12h', '--fewer-hosts', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, runId: 'run-1', state: 'ended', result: cleaned });
    expect(JSON.parse(stderr)).toMatchObject({ state: 'started' });
    expect(asked()).toEqual([{ url, body: { graceSeconds: 43_200, fewerHosts: true } }]);
  });

  it.each([
    [{ outcome: 'stopped', reason: 'no snapshot' }, 'nothing is cleaned: no snapshot\n'],
    [{ outcome: 'failed', reason: 'died' }, 'failed: died\n'],
  ] as const)('says why not: %o', async (outcome, said) => {
    result = outcome;
    expect(await api.ask('files', 'clean', '--yes')).toMatchObject({ exitCode: 1, stdout: said });
  });

  it.each([
    ['y', [{ dryRun: true, graceSeconds: 0 }, { graceSeconds: 0 }]],
    ['n', [{ dryRun: true, graceSeconds: 0 }]],
  ])('at a terminal first says what would be done and asks: %s', async (answer, bodies) => {
    const { context, calls, questions, printed } = testContext(
      ({ method, body }) => {
        const { dryRun = false } = (method === 'POST' ? body : {}) as { dryRun?: boolean };
        const run = { version: 1, runId: 'run-1', startedAt: at(1), wishes: { dryRun } };
        return method === 'POST' ? { ...run, state: 'started' } : { ...run, state: 'ended', result: cleaned };
      },
      { answer },
    );
    const ended = cleanFiles(context, { grace: '0d' });
    if (answer === 'y') expect(await ended).toBe(0);
    else await expect(ended).rejects.toMatchObject({ code: 'refused' });
    expect(questions).toEqual(['Do it? [y/N] ']);
    expect(calls.filter(({ method }) => method === 'POST').map(({ body }) => body)).toEqual(bodies);
    expect(printed.stdout).toContain('freed: 1 file, 2.0 MB');
  });

  it('sends nothing without --yes where nobody can be asked, nor for what is no duration', async () => {
    const unasked = await api.ask('files', 'clean');
    expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('say --yes') });
    const odd = await api.ask('files', 'clean', '--yes', '--grace', 'soon');
    expect(odd).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('got "soon", expected one as in 0d') });
    expect(api.sent).toEqual([]);
  });
});
