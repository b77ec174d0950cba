import { afterAll, beforeAll, expect, it } from 'vitest';
import { openApi, type TestApi } from '../testing/api.ts';
import { snapshot } from '../testing/values.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const byState = { OK: 7, PENDING_UPDATES: 2, ERROR: 1, UNKNOWN: 0 };
const pilots = { group: 'pilots', hosts: 10, byState };

it('kbroker groups list has a line for each, and the age of the numbers', async () => {
  api.answer = () => ({ body: { version: 1, ...snapshot, groups: [pilots] } });
  const { exitCode, stdout, stderr } = await api.ask('groups', 'list');
  expect(stdout).toBe(
    'GROUP   HOSTS  OK  PENDING_UPDATES  ERROR  UNKNOWN\npilots  10     7   2                1      0\n',
  );
  expect(stderr).toBe(`as of ${snapshot.asOf} (1 min ago)\n`);
  expect(exitCode).toBe(0);
  api.answer = () => ({ body: { version: 1, ...snapshot, groups: [] } });
  expect((await api.ask('groups', 'list')).stdout).toBe('no group has hosts yet\n');
});

it('kbroker groups show tells the states of hosts and updates', async () => {
  const updates = { OK: 50, PENDING: 3, MISSING: 2, DISCARDED: 1, ERROR: 0, SUPERSEDED: 0 };
  const body = { version: 1, ...snapshot, group: pilots, updates };
  api.answer = ({ url }) => (url === '/v1/groups/pilots' ? { body } : { status: 404, body: {} });
  const { stdout } = await api.ask('groups', 'show', 'pilots');
  expect(stdout).toBe(
    `pilots: 10 hosts, as of ${snapshot.asOf} (1 min ago)\n` +
      '  hosts    7 OK, 2 PENDING_UPDATES, 1 ERROR, 0 UNKNOWN\n' +
      '  updates  50 OK, 3 PENDING, 2 MISSING, 1 DISCARDED, 0 ERROR, 0 SUPERSEDED\n',
  );
  expect(JSON.parse((await api.ask('groups', 'show', 'pilots', '--json')).stdout)).toEqual(body);
});

it('sends nothing for what is no name of a group', async () => {
  api.sent.splice(0);
  const { exitCode, stderr } = await api.ask('groups', 'show', '../rules');
  expect(stderr).toMatch(/not a name of a group: got "..\/rules"/);
  expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
});
