import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import { openApi, type TestApi } from '../testing/api.ts';
import { refusal } from '../testing/values.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(() => api.sent.splice(0));

const held = (name: string) => ({
  name: `${name}.cab`,
  sha1: sha1(name),
  sha256: sha256(name),
  size: 1500,
  heldAt: at(9),
});

it('kbroker files list has all pages', async () => {
  api.answer = ({ url }) => ({
    body: url.includes('cursor=two')
      ? { version: 1, files: [{ ...held('b'), name: undefined }], unreadable: ['bad'] }
      : { version: 1, files: [held('a')], unreadable: [], next: 'two' },
  });
  const { exitCode, stdout, stderr } = await api.ask('files', 'list');
  expect(stdout.split('\n').slice(1)).toEqual([
    `a.cab    1.5 kB  ${at(9)}  ${sha1('a')}  ${sha256('a')}`,
    `unnamed  1.5 kB  ${at(9)}  ${sha1('b')}  ${sha256('b')}`,
    '',
  ]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'unreadable row in the store: bad\n' });
  const json = JSON.parse((await api.ask('files', 'list', '--json')).stdout);
  expect(json).toMatchObject({ version: 1, files: { length: 2 }, unreadable: ['bad'] });
});

it('kbroker files list says that there are none', async () => {
  api.answer = () => ({ body: { version: 1, files: [], unreadable: [] } });
  expect((await api.ask('files', 'list')).stdout).toBe('the repository holds no files yet\n');
});

it('kbroker files show tells what the index says, whether it is held, and its request', async () => {
  const request = {
    version: 1,
    sha1: sha1('a'),
    requestedAt: at(1),
    requestedBy: 'pc-1',
    attempts: 2,
    state: 'failed',
    failedAt: at(2),
    lastError: 'the host answered 404',
  };
  api.answer = ({ url }) =>
    url === `/v1/files/${sha1('a')}`
      ? { body: { version: 1, sha1: sha1('a'), name: 'a.cab', size: 1500, sha256: sha256('a'), request } }
      : refusal('not-found', url);
  const { exitCode, stdout } = await api.ask('files', 'show', sha1('a').toUpperCase());
  expect(stdout).toBe(
    [
      'a.cab',
      `  SHA-1    ${sha1('a')}`,
      `  SHA-256  ${sha256('a')}`,
      '  size     1.5 kB',
      '  source   no location',
      '  held     no',
      `  request  failed, since ${at(1)} by pc-1, 2 attempts`,
      '           last error: the host answered 404\n',
    ].join('\n'),
  );
  expect(exitCode).toBe(0);
  const other = await api.ask('files', 'show', sha1('b'));
  expect(other).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(sha1('b')) });
});

it('sends nothing for what is no SHA-1', async () => {
  const { exitCode, stderr } = await api.ask('files', 'show', 'abc');
  expect(stderr).toMatch(/not a SHA-1: got "abc", expected 40 hexadecimal digits/);
  expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
});
