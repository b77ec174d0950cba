import { afterAll, beforeAll, expect, it } from 'vitest';
import { at, pointerOf, sha256 } from '#test/kit/values.ts';
import { openApi, type TestApi } from '../testing/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const status = (index: object) => ({
  body: {
    version: 1,
    index: { version: 1, ...index },
    hosts: { total: 0, byState: { OK: 0, PENDING_UPDATES: 0, ERROR: 0 } },
    requests: { byState: { open: 0, queued: 0, fetching: 0, done: 0, failed: 0 } },
    payloads: { files: 1, bytes: 5 },
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
