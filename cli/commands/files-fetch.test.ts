import { describe, expect, it } from 'vitest';
import { at, guid, sha1 } from '#test/kit/values.ts';
import { type Called, testContext } from '../testing/context.ts';
import { fetchFiles } from './files-fetch.ts';

const [one, two, three] = [sha1('one'), sha1('two'), sha1('three')];
const update = (id: string, files: string[]) => ({
  version: 1,
  update: {
    updateId: id,
    revision: 200,
    title: 'an update',
    kbs: ['5000001'],
    products: [],
    supersedes: [],
    supersededBy: [],
    files,
    createdAt: at(0),
    firstPublishedAt: at(0),
  },
  files: files.map((digest) => ({ sha1: digest })),
});

/** A broker that knows one KB with two updates; the file `two` is held, `three` is in no index. */
function broker({ url, body }: Called): unknown {
  if (url.startsWith('/v1/updates?'))
    return {
      version: 1,
      kb: '5000001',
      updates: [guid(1), guid(2)].map((updateId) => ({ ...update(updateId, []).update, bytes: 1 })),
      unreadable: [],
      total: 2,
    };
  if (url === `/v1/updates/${guid(1)}`) return update(guid(1), [one, two]);
  if (url === `/v1/updates/${guid(2)}`) return update(guid(2), [two]);
  if (url === '/v1/requests/sweeps') return { version: 1, queued: 1, requeued: 0 };
  const { sha1s } = body as { sha1s: string[] };
  const stateOf = (digest: string) => (digest === two ? 'held' : digest === three ? 'unknown' : 'requested');
  return {
    version: 1,
    files: sha1s.map((digest) => ({ sha1: digest, state: stateOf(digest), name: 'x', size: 1000 })),
  };
}

describe('kbroker files fetch', () => {
  it('asks for a file by its digest, and for a sweep', async () => {
    const { context, calls, printed } = testContext(broker);
    expect(await fetchFiles(context, [one.toUpperCase()], {})).toBe(0);
    expect(calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /v1/files/requests',
      'POST /v1/requests/sweeps',
    ]);
    expect(calls[0]?.body).toEqual({ version: 1, sha1s: [one] });
    expect(printed.stdout).toContain('1 file asked for (1.0 kB), 0 held already');
  });

  it('leaves alone what is held, and fails for what no index names', async () => {
    const { context, calls, printed } = testContext(broker);
    expect(await fetchFiles(context, [two], {})).toBe(0);
    expect(calls).toHaveLength(1);
    expect(await fetchFiles(context, [three, two], {})).toBe(1);
    expect(printed.stdout).toContain('0 files asked for (0 B), 1 held already, 1 in no index');
  });

  it('refuses what is none', async () => {
    const { context } = testContext(broker);
    await expect(fetchFiles(context, ['nonsense'], {})).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('allowed are a KB, an UpdateId or a SHA-1'),
    });
  });
});
