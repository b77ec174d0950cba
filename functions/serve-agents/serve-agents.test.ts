import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryRequestStore } from '#test/kit/memory-requests.ts';
import { MemoryCatalogStore, MemoryHostStore, MemoryPayloadStore, MemoryRuleStore } from '#test/kit/memory-stores.ts';
import { at, fileOf, guid, reportOf, sha1, sha256 } from '#test/kit/values.ts';
import { type AgentPorts, serveAgents } from './serve-agents.ts';

let requests: MemoryRequestStore;
let payloads: MemoryPayloadStore;
let catalog: MemoryCatalogStore;
let hosts: MemoryHostStore;
let ports: AgentPorts;
let seconds: number;

beforeEach(async () => {
  requests = new MemoryRequestStore({ retryFailedAfterSeconds: 1000 });
  payloads = new MemoryPayloadStore();
  catalog = new MemoryCatalogStore();
  hosts = new MemoryHostStore();
  seconds = 100;
  ports = { rules: new MemoryRuleStore(), catalog, payloads, requests, hosts, now: () => new Date(at(seconds)) };
  await catalog.putFileFacts(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => fileOf(sha1(name))));
});

const plain = { path: {}, query: {} };
const report = (machineId: string, needs: string[], more = {}) =>
  serveAgents(ports).postReport({ ...plain, request: reportOf(machineId, { needs, ...more }) });
const lookUp = async (sha1s: string[]) =>
  (await serveAgents(ports).lookupFiles({ ...plain, request: { version: 1, sha1s } })).files;
const hold = (name: string) => payloads.record({ sha1: sha1(name), sha256: sha256(name), size: 6, heldAt: at(0) });
const give = async (name: string, final: boolean) => {
  const claim = { messageId: 'm', receiveCount: 3, leaseUntil: at(900) };
  await requests.claim(sha1(name), claim, at(1));
  await requests.fail(sha1(name), claim, { at: at(2), error: 'wrong bytes', final });
};

describe('a report', () => {
  it('requests what the host needs and the repository lacks, with facts of the catalogue', async () => {
    await hold('b');
    expect(await report('pc-1', [sha1('a'), sha1('b'), sha1('a')])).toEqual({
      version: 1,
      requested: [sha1('a')],
      refused: [],
    });
    expect([...(await requests.get([sha1('a'), sha1('b')])).values()]).toEqual([
      {
        version: 1,
        sha1: sha1('a'),
        state: 'open',
        name: fileOf(sha1('a')).name,
        size: 6,
        requestedAt: at(100),
        requestedBy: 'pc-1',
        attempts: 0,
      },
    ]);
  });

  it('of a second host opens nothing again, and says what is under way', async () => {
    await report('pc-1', [sha1('a')]);
    seconds = 200;
    expect(await report('pc-2', [sha1('a'), sha1('c')])).toMatchObject({ requested: [sha1('a'), sha1('c')] });
    expect((await requests.get([sha1('a')])).get(sha1('a'))).toMatchObject({
      requestedBy: 'pc-1',
      requestedAt: at(100),
    });
  });

  it('with a digest that no publication names is refused that file by name, and kept', async () => {
    await catalog.putFileFacts([{ sha1: sha1('no address') }]);
    const refused = [
      { sha1: sha1('forged'), reason: 'no publication of the index names this digest' },
      { sha1: sha1('no address'), reason: 'the index names no address for this file' },
    ];
    const needs = [sha1('forged'), sha1('a'), sha1('no address')];
    expect(await report('pc-1', needs)).toEqual({ version: 1, requested: [sha1('a')], refused });
    expect((await requests.get(needs)).size).toBe(1);
    const view = await hosts.get('pc-1');
    expect(view?.refused).toEqual(refused);
    expect(view?.summary.reportedAt).toBe(at(100));
  });

  it('does not ask again at once for a file that was given up, and does later', async () => {
    await report('pc-1', [sha1('a')]);
    await give('a', true);
    expect(await report('pc-1', [sha1('a')])).toMatchObject({ requested: [], refused: [] });
    seconds = 1002;
    expect(await report('pc-1', [sha1('a')])).toMatchObject({ requested: [sha1('a')] });
  });

  it('asks again for a file that was removed from the repository', async () => {
    await report('pc-1', [sha1('a')]);
    await requests.complete(sha1('a'), { at: at(3), sha256: sha256('a') });
    expect(await report('pc-1', [sha1('a')])).toMatchObject({ requested: [sha1('a')] });
  });

  it('with many needs requests them all', async () => {
    const names = Array.from({ length: 100 }, (_, n) => sha1(`file ${n}`));
    await catalog.putFileFacts(names.map(fileOf));
    expect((await report('pc-1', names)).requested).toEqual(names);
    expect(await requests.countByState()).toMatchObject({ open: 100 });
  });

  it('that is older than the kept one is answered and not kept', async () => {
    await report('pc-1', [], { scannedAt: at(50), scanMilliseconds: 2 });
    await report('pc-1', [], { scannedAt: at(40), scanMilliseconds: 1 });
    expect((await hosts.get('pc-1'))?.report.scanMilliseconds).toBe(2);
  });

  it('that is too large to keep is refused in words', async () => {
    const updates = Array.from({ length: 600 }, (_, n) => ({
      updateId: guid(n),
      revision: 1,
      kbs: [],
      state: 'MISSING' as const,
      reason: 'x',
      files: Array.from({ length: 50 }, (_, f) => sha1(`${n} ${f}`)),
    }));
    await expect(report('pc-1', [], { updates })).rejects.toMatchObject({ name: 'ProblemError', code: 'too-large' });
  });
});

describe('a lookup', () => {
  it('says where each file stands, in the order of the question, each once', async () => {
    await hold('a');
    await report('pc-1', ['b', 'c', 'd', 'e'].map(sha1));
    await give('c', false);
    await give('d', true);
    await requests.complete(sha1('e'), { at: at(3), sha256: sha256('e') });
    const asked = ['forged', 'a', 'b', 'c', 'd', 'e', 'f', 'a'].map(sha1);
    expect(await lookUp(asked)).toEqual([
      { sha1: sha1('forged'), state: 'unknown' },
      { sha1: sha1('a'), state: 'held', sha256: sha256('a'), size: 6 },
      { sha1: sha1('b'), state: 'requested' },
      { sha1: sha1('c'), state: 'requested', reason: 'wrong bytes' },
      { sha1: sha1('d'), state: 'failed', reason: 'wrong bytes' },
      { sha1: sha1('e'), state: 'absent' },
      { sha1: sha1('f'), state: 'absent' },
    ]);
  });

  it('of nothing says nothing', async () => {
    expect(await lookUp([])).toEqual([]);
  });
});

it('the rules are those of the store', async () => {
  expect(await serveAgents(ports).getRules({ ...plain, request: undefined })).toEqual(await ports.rules.get());
});
