import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FileRequest } from '#shared/contract/requests.ts';
import { at, sha1 } from '#test/kit/values.ts';
import { openApi, type TestApi } from '../testing/api.ts';

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
