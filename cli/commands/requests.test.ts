import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileRequest } from '#shared/contract/requests.ts';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import { openApi, type TestApi } from '../testing/api.ts';
import { type TestContextOptions, testContext } from '../testing/context.ts';
import { refusal } from '../testing/values.ts';
import { listRequests } from './requests.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const request = (name: string, seconds: number, more: object = { state: 'open' }): FileRequest =>
  ({
    version: 1,
    sha1: sha1(name),
    name,
    requestedAt: at(seconds),
    requestedBy: 'pc-1',
    attempts: 1,
    ...more,
  }) as FileRequest;
const failed = (lastError: string) => ({ state: 'failed', failedAt: at(99), lastError });

it('kbroker requests list has failed requests first, then the newest first, over all pages', async () => {
  const long = `${'the host answered 503 '.repeat(9)}end`;
  const pages = [
    [request('old', 1), request('failed-early', 2, failed(long)), request('newest', 50)],
    [request('middle', 9), request('failed-late', 40, failed('not found'))],
  ];
  api.answer = ({ url }) => {
    const isSecond = url.includes('cursor=two');
    return {
      body: { version: 1, requests: pages[isSecond ? 1 : 0], unreadable: [], ...(!isSecond && { next: 'two' }) },
    };
  };
  const names = ['failed-late', 'failed-early', 'newest', 'middle', 'old'];
  const { exitCode, stdout, stderr } = await api.ask('requests', 'list');
  expect(exitCode).toBe(0);
  const rows = stdout.trimEnd().split('\n').slice(1);
  expect(rows.map((row) => row.match(/failed-\w+|newest|middle|old/)?.[0])).toEqual(names);
  expect(rows[0]).toMatch(/ not found$/);
  expect(rows[1]).toMatch(/ the host answered 503 [^…]{20,40}…$/);
  expect(stderr).toBe('errors are shortened; --json has them whole\n');
  const json = await api.ask('requests', 'list', '--json');
  const { requests } = JSON.parse(json.stdout);
  expect(requests.map(({ name }: FileRequest) => name)).toEqual(names);
  expect(requests[1].lastError).toBe(long);
  expect(json.stderr).toBe('');
});

it('kbroker requests list shows how far large files are, how fast they come, and how long they take yet', async () => {
  const progress = { bytes: 1_500_000_000, of: 6_000_000_000, startedAt: at(0), at: at(30) };
  const large = request('large', 1, { state: 'fetching', queuedAt: at(0), leaseUntil: at(60), progress });
  api.answer = () => ({ body: { version: 1, requests: [large, request('small', 2)], unreadable: [] } });
  const { stdout } = await api.ask('requests', 'list');
  expect(stdout).toContain('1.5 GB of 6.0 GB, 25 %, 50.0 MB/s, 1 min left');
});

describe('kbroker requests list --watch', () => {
  const queued = { state: 'queued', queuedAt: at(60) };
  const done = { state: 'done', doneAt: at(70), sha256: sha256('a') };
  const rounds = [
    [request('a', 1), request('b', 2)],
    [request('a', 1, queued), request('b', 2, failed('not found'))],
    [request('a', 1, queued), request('b', 2, failed('not found'))],
    [request('a', 1, done), request('b', 2, failed('not found'))],
  ];
  /** Each sleep brings the next round. */
  async function watch(options: TestContextOptions = {}, until = rounds.length) {
    let round = 0;
    const test = testContext(() => ({ version: 1, requests: rounds[round], unreadable: [] }), {
      ...options,
      sleep: async () => {
        round += 1;
        if (round >= until) throw new Error('it goes on though nothing is to be fetched any more');
      },
    });
    const exitCode = await listRequests(test.context, { watch: true });
    return { exitCode, ...test.printed };
  }

  it('tells news line by line, and ends with the list when nothing is to be fetched', async () => {
    const { exitCode, stdout, stderr } = await watch();
    expect(stderr).toBe('2 requests: 2 open\n2 requests: 1 queued, 1 failed\n');
    expect(stdout).toMatch(/^STATE .*\nfailed .*\ndone .*\n$/);
    expect(exitCode).toBe(0);
  });

  it('rewrites its line on a terminal', async () => {
    const { stderr } = await watch({ isTTY: true });
    expect(stderr).toBe('\r\u001b[K2 requests: 2 open\r\u001b[K2 requests: 1 queued, 1 failed\n');
  });

  it('prints one line of JSON a round', async () => {
    const { stdout, stderr } = await watch({ json: true });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).requests.length)).toEqual([2, 2, 2, 2]);
    expect(stderr).toBe('');
  });

  it('ends at once when there is nothing to wait for', async () => {
    const { context, printed, calls } = testContext(() => ({ version: 1, requests: [], unreadable: [] }));
    expect(await listRequests(context, { watch: true, state: 'open' })).toBe(0);
    expect(calls.map(({ url }) => url)).toEqual(['/v1/requests?state=open&limit=500']);
    expect(printed).toEqual({ stdout: 'no requests\n', stderr: '' });
  });
});

it('kbroker requests sweep says how many were queued', async () => {
  api.answer = ({ method, url }) =>
    method === 'POST' && url === '/v1/requests/sweeps'
      ? { body: { version: 1, queued: 3, requeued: 1 } }
      : refusal('not-found', url);
  expect(await api.ask('requests', 'sweep')).toEqual({
    exitCode: 0,
    stdout: '3 requests queued, 1 of them again\n',
    stderr: '',
  });
});
