import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentsApiWithHost } from '#test/kit/agents-api.ts';
import { type CapturedLog, captureLog } from '#test/kit/invoke.ts';
import { at, catalogOf, guid, unit } from '#test/kit/values.ts';

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

describe('a lookup of updates', () => {
  it('says when each was first published, in the order of the question, each once', async () => {
    const { host, ports } = await agentsApiWithHost();
    const first = catalogOf([unit(1, { createdAt: '2026-01-02T03:04:05Z' }), unit(2)]);
    const next = catalogOf([
      unit(1, { revision: 201, createdAt: at(50) }),
      unit(2),
      unit(3, { createdAt: 'in spring' }),
      unit(4, { createdAt: '2026-01-02' }),
    ]);
    await ports.catalog.putFacts(first, { previous: undefined, at: at(1) });
    await ports.catalog.putFacts(next, { previous: first, at: at(2) });
    const updateIds = [2, 1, 9, 3, 4, 1].map(guid);
    expect(await host.send('lookupUpdates', { version: 1, updateIds })).toMatchObject({
      status: 200,
      body: {
        version: 1,
        updates: [
          { updateId: guid(2), firstPublishedAt: at(0) },
          // Of the revision before; and one that no publication had is left out, as is one without a day.
          { updateId: guid(1), firstPublishedAt: '2026-01-02T03:04:05Z' },
          { updateId: guid(4), firstPublishedAt: '2026-01-02T00:00:00.000Z' },
        ],
      },
    });
    expect(ports.hosts.records.get('pc-1')).toMatchObject({ sequence: 2 });
  });

  it.each([
    ['none', []],
    ['more than 500', Array.from({ length: 501 }, (_, n) => guid(n))],
    ['something else', ['KB5034441']],
  ])('of %s is refused in words', async (_what, updateIds) => {
    const { host } = await agentsApiWithHost();
    const { status, body } = await host.send('lookupUpdates', { version: 1, updateIds });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'bad-request' });
    expect(body.detail).toContain('updateIds');
  });
});
