import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryPublishQueue } from '#test/kit/memory-repository.ts';
import { MemoryFetchQueue, MemoryRequestStore } from '#test/kit/memory-requests.ts';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import { measureSweep, type SweepPorts, sweepRequests } from './sweep-requests.ts';

let requests: MemoryRequestStore;
let queue: MemoryFetchQueue;
let publisher: MemoryPublishQueue;
beforeEach(() => {
  requests = new MemoryRequestStore();
  queue = new MemoryFetchQueue();
  publisher = new MemoryPublishQueue();
});

const ports = (more: Partial<SweepPorts> = {}): SweepPorts => ({
  requests,
  queue,
  publisher,
  now: () => new Date(at(10_000)),
  requeueAfterSeconds: 3600,
  ...more,
});
const open = (n: number) => requests.open({ sha1: sha1(`${n}`), requestedBy: 'pc-1', requestedAt: at(n) });
const claim = (n: number, leaseUntil: string) =>
  requests.claim(sha1(`${n}`), { messageId: `m${n}`, receiveCount: 1, leaseUntil }, at(20));
const sent = () => queue.sent.map((message) => message.sha1);

describe('a sweep', () => {
  it('queues open requests, over many pages, once', async () => {
    for (let n = 0; n < 250; n += 1) await open(n);
    const report = await sweepRequests(ports());
    expect(report).toEqual({ version: 1, queued: 250, requeued: 0, unreadable: [] });
    expect(new Set(sent()).size).toBe(250);
    expect(queue.sent[0]).toEqual({ version: 1, sha1: sha1('0') });
    expect(await requests.countByState()).toMatchObject({ open: 0, queued: 250 });
    expect(await sweepRequests(ports())).toMatchObject({ queued: 0 });
    expect(queue.sent).toHaveLength(250);
  });

  it('tells the publisher that time went on, whether or not there is anything to queue', async () => {
    await sweepRequests(ports());
    await open(1);
    await sweepRequests(ports());
    expect(publisher.messages).toEqual([
      { version: 1, kind: 'feed' },
      { version: 1, kind: 'feed' },
    ]);
  });

  it('sends only what a worker began, when that is asked for, and tells the publisher nothing', async () => {
    for (let n = 0; n < 5; n += 1) await open(n);
    const claimOf = (n: number) => ({ messageId: `m${n}`, receiveCount: 1, leaseUntil: at(9999) });
    await claim(1, at(9999));
    await claim(2, at(10_001));
    await claim(3, at(10_001));
    const progress = { bytes: 1, of: 2, startedAt: at(20), at: at(30) };
    await requests.note(sha1('3'), claimOf(3), { transfer: undefined, progress });
    await requests.pause(sha1('3'), claimOf(3));
    await requests.markQueued(sha1('4'), at(21), at(0));
    expect(await sweepRequests(ports(), { only: 'begun' })).toMatchObject({ queued: 2, requeued: 1 });
    expect(sent().toSorted()).toEqual([sha1('1'), sha1('3')].toSorted());
    expect(publisher.messages).toEqual([]);
  });

  it('has nothing to do when nothing is open', async () => {
    expect(await sweepRequests(ports())).toEqual({ version: 1, queued: 0, requeued: 0, unreadable: [] });
  });

  it('queues again what got lost: queued for too long, or under a lease that lapsed', async () => {
    for (let n = 0; n < 6; n += 1) await open(n);
    await requests.markQueued(sha1('1'), at(6399), at(0));
    await requests.markQueued(sha1('2'), at(6400), at(0));
    await claim(3, at(9999));
    await claim(4, at(10_001));
    await requests.complete(sha1('5'), { at: at(30), sha256: sha256('5') });
    const report = await sweepRequests(ports());
    expect(report).toMatchObject({ queued: 3, requeued: 2 });
    expect(measureSweep(report)).toEqual({ RequestsQueued: 3, RequestsRequeued: 2, UnreadableRows: 0 });
    expect(sent().sort()).toEqual([sha1('0'), sha1('1'), sha1('3')].sort());
    const states = await requests.get([2, 4].map((n) => sha1(`${n}`)));
    expect([...states.values()].map(({ state }) => state)).toEqual(['queued', 'fetching']);
  });

  it('leaves what the queue refuses for the next one', async () => {
    await open(1);
    await open(2);
    queue = new MemoryFetchQueue((message) => message.sha1 === sha1('1'));
    expect(await sweepRequests(ports())).toMatchObject({ queued: 1 });
    queue = new MemoryFetchQueue();
    expect(await sweepRequests(ports())).toMatchObject({ queued: 1 });
    expect(sent()).toEqual([sha1('1')]);
  });

  it('that dies after sending loses nothing', async () => {
    await open(1);
    const dying = Object.assign(Object.create(requests), {
      list: requests.list.bind(requests),
      markQueued: async () => {
        throw new Error('died');
      },
    });
    await expect(sweepRequests(ports({ requests: dying }))).rejects.toThrow('died');
    expect(await sweepRequests(ports())).toMatchObject({ queued: 1 });
    expect(sent()).toEqual([sha1('1'), sha1('1')]);
  });

  it('names rows that it cannot read, and goes on', async () => {
    await open(1);
    const list: typeof requests.list = async (query) => {
      const page = await MemoryRequestStore.prototype.list.call(requests, query);
      return { ...page, unreadable: query.state === 'open' ? ['damaged row'] : [] };
    };
    const partly = Object.assign(Object.create(requests), { list, markQueued: requests.markQueued.bind(requests) });
    const report = await sweepRequests(ports({ requests: partly }));
    expect(report).toMatchObject({ queued: 1, unreadable: ['damaged row'] });
    expect(measureSweep(report)).toMatchObject({ UnreadableRows: 1 });
  });
});
