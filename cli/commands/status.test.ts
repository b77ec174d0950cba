import { afterAll, beforeAll, expect, it } from 'vitest';
import { at, pointerOf, sha256 } from '#test/kit/values.ts';
import { openApi, type TestApi } from '../testing/api.ts';
import { snapshot } from '../testing/values.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const status = (index: object) => ({
  body: {
    version: 2,
    index: { version: 1, ...index },
    hosts: { ...snapshot, total: 3, byState: { OK: 2, PENDING_UPDATES: 0, ERROR: 0, UNKNOWN: 1 } },
    requests: { byState: { open: 0, queued: 0, fetching: 0, done: 0, failed: 0 } },
    payloads: { files: 1, bytes: 5 },
    traffic: {
      month: '2026-11',
      served: { index: 2e9, files: 9e9 },
      direct: 4e6,
      fetched: { files: 3, bytes: 1.5e9 },
      savedBytes: 7.5e9,
    },
    price: {
      region: 'us-east-1',
      currency: 'USD',
      asOf: '2026-11',
      storage: 0.0123,
      transfer: 0.87,
      hosts: 0.1,
      total: 0.9823,
    },
  },
});

it('names the refused bytes by the SHA-256 under which they are kept', async () => {
  const refused = { at: at(5), sha256: sha256('refused'), reason: 'it shrank' };
  api.answer = () => status({ current: pointerOf(sha256('current')), refused });
  const { exitCode, stdout } = await api.ask('status');
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`           refused ${at(5)}: it shrank\n           refused SHA-256 ${sha256('refused')}\n`);
  expect(stdout).toContain(`           SHA-256 ${sha256('current')}\n`);
});

it('leaves it out when there is none', async () => {
  api.answer = () => status({ refused: { at: at(5), reason: 'not an index' } });
  expect((await api.ask('status')).stdout).toMatch(/^Index {6}none yet\n +refused [^\n]*: not an index\nHosts/);
});

it('says what the month moved, saved and cost so far', async () => {
  api.answer = () => status({});
  const { stdout } = await api.ask('status');
  expect(stdout).toContain(`
2026-11    9.0 GB of files to hosts, 1.5 GB (3 files) fetched from Microsoft
           saved 7.5 GB against each host fetching for itself
           2.0 GB of indexes to hosts, 4.0 MB from Microsoft to hosts directly
Price      about 0.98 USD this month so far: storage 0.01, transfer 0.87, hosts 0.10
           by list prices of us-east-1, 2026-11
`);
});

it('says how old the numbers of the fleet are', async () => {
  api.answer = () => status({});
  const { stdout } = await api.ask('status');
  expect(stdout).toContain(`\nHosts      3: 2 OK, 1 UNKNOWN\n           as of ${snapshot.asOf} (1 min ago)\n`);
});
