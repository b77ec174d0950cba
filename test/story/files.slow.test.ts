import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '#local/upstream/types.ts';
import type { PayloadFile } from '#shared/core/catalog/model.ts';
import { lookup, pathOf, payloadFiles, postReport, reportNeeding, requestOf } from './hosts.ts';
import { keysOf, objectBytes, queueLength, sendToFetchQueue, startWorld, until, type World } from './world.ts';

let world: World;
let files: readonly Required<PayloadFile>[];
/** Each story takes files of its own, so that none depends on another. */
const nextFile = (): Required<PayloadFile> => {
  const [file, ...rest] = files;
  if (file === undefined) throw new Error('the fake Microsoft offers too few files for these stories');
  files = rest;
  return file;
};

beforeAll(async () => {
  world = await startWorld();
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
  files = await payloadFiles(world);
});
afterAll(() => world?.close());

const getsOf = (file: PayloadFile): number => world.microsoft.counters().byPath[new URL(file.url ?? '').pathname] ?? 0;
const fault = (file: PayloadFile, kind: Fault['kind'], times?: number): (() => void) =>
  world.microsoft.addFault({ path: pathOf(file), kind, ...(times === undefined ? {} : { times }) });
const requestState = (file: PayloadFile) => requestOf(world, file.sha1);
const untilDone = (file: PayloadFile) =>
  until(
    `${file.name} is there`,
    () => requestState(file),
    (request) => request?.state === 'done',
  );
const untilFailed = (file: PayloadFile) =>
  until(
    `${file.name} is given up`,
    () => requestState(file),
    (request) => request?.state === 'failed',
  );

async function expectHeld(file: Required<PayloadFile>): Promise<void> {
  const bytes = await objectBytes(world, 'PayloadsBucket', `payloads/sha256/${file.sha256}`);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256);
  expect(await lookup(world, [file.sha1])).toEqual([
    { sha1: file.sha1, state: 'held', sha256: file.sha256, size: file.size },
  ]);
  expect((await keysOf(world, 'PayloadsBucket')).filter((key) => key.startsWith('staging/'))).toEqual([]);
}

async function ask(file: PayloadFile, machineId = 'host-a'): Promise<void> {
  const answer = await postReport(world, reportNeeding(machineId, [file.sha1]));
  expect(answer.requested).toEqual([file.sha1]);
}

describe('a file that hosts ask for', () => {
  it('is requested once and downloaded once, however many ask', async () => {
    const file = nextFile();
    expect(await lookup(world, [file.sha1])).toEqual([{ sha1: file.sha1, state: 'absent' }]);
    await Promise.all(['host-a', 'host-b', 'host-c'].map((machineId) => ask(file, machineId)));
    expect((await lookup(world, [file.sha1]))[0]?.state).toBe('requested');
    expect(getsOf(file), 'nothing is fetched before the sweep').toBe(0);
    await world.run('SweepRequestsFunction');
    await untilDone(file);
    expect(getsOf(file)).toBe(1);
    await expectHeld(file);

    expect((await postReport(world, reportNeeding('host-d', [file.sha1]))).requested).toEqual([]);
    await world.run('SweepRequestsFunction');
    await world.stack.drained(world.output('FetchQueueUrl'));
    expect(getsOf(file), 'a held file is not asked for again').toBe(1);
  });

  it('whose digest is not in the catalogue is refused and named', async () => {
    const stranger = createHash('sha1').update('never published').digest('hex');
    const answer = await postReport(world, reportNeeding('host-a', [stranger]));
    expect(answer.requested).toEqual([]);
    expect(answer.refused).toEqual([
      { sha1: stranger, reason: expect.stringMatching(/no publication of the index names this digest/) },
    ]);
    expect(await lookup(world, [stranger])).toEqual([{ sha1: stranger, state: 'unknown' }]);
    expect(await requestOf(world, stranger)).toBeUndefined();
  });

  it('arrives beside a malformed message, which alone ends in the dead-letter queue', async () => {
    const file = nextFile();
    const dead = await queueLength(world, 'FetchDeadLetterQueueUrl');
    await ask(file);
    await sendToFetchQueue(world, '{"version":1,"sha1":"not a digest"}');
    await world.run('SweepRequestsFunction');
    await sendToFetchQueue(world, 'not even JSON');
    await untilDone(file);
    await expectHeld(file);
    await until(
      'both are dead letters',
      () => queueLength(world, 'FetchDeadLetterQueueUrl'),
      (length) => length === dead + 2,
    );
    expect(await queueLength(world, 'FetchQueueUrl')).toBe(0);
  });

  it('arrives from an origin that answers 503 and then recovers', async () => {
    const file = nextFile();
    fault(file, { type: 'status', status: 503, retryAfterSeconds: 1 }, 2);
    await ask(file);
    await world.run('SweepRequestsFunction');
    await untilDone(file);
    await expectHeld(file);
  });

  it('arrives when the first answer breaks off in the middle', async () => {
    const file = nextFile();
    fault(file, { type: 'cut', afterBytes: Math.floor(file.size / 2) }, 1);
    await ask(file);
    await world.run('SweepRequestsFunction');
    await untilDone(file);
    await expectHeld(file);
    expect(getsOf(file)).toBe(2);
  });

  it('with other bytes than the index says is refused, and ends in the dead-letter queue after its retries', async () => {
    const file = nextFile();
    const dead = await queueLength(world, 'FetchDeadLetterQueueUrl');
    const end = fault(file, { type: 'wrong-bytes' });
    await ask(file);
    await world.run('SweepRequestsFunction');
    const request = await untilFailed(file);
    end();
    expect(request?.lastError).toMatch(/SHA-1|SHA-256/);
    expect(request?.attempts).toBe(3);
    await until(
      'it is a dead letter',
      () => queueLength(world, 'FetchDeadLetterQueueUrl'),
      (length) => length === dead + 1,
    );
    expect(await keysOf(world, 'PayloadsBucket')).not.toContain(`payloads/sha256/${file.sha256}`);
    expect(await lookup(world, [file.sha1])).toEqual([
      { sha1: file.sha1, state: 'failed', reason: expect.stringMatching(/SHA-1|SHA-256/) },
    ]);
  });

  it('still arrives when its worker is killed in the middle of the download', async () => {
    const file = nextFile();
    const end = fault(file, { type: 'slow', bytesPerSecond: Math.max(1000, file.size / 20) });
    await ask(file);
    await world.run('SweepRequestsFunction');
    await until(
      'its download has begun',
      async () => getsOf(file),
      (gets) => gets === 1,
    );
    expect(await world.stack.kill(world.output('FetchPayloadFunction'))).toBeGreaterThan(0);
    end();
    await untilDone(file);
    await expectHeld(file);
    expect(getsOf(file)).toBe(2);
  });

  it('is downloaded once when its message is delivered again afterwards', async () => {
    const file = nextFile();
    await ask(file);
    await world.run('SweepRequestsFunction');
    await untilDone(file);
    for (let copy = 0; copy < 3; copy += 1)
      await sendToFetchQueue(world, JSON.stringify({ version: 1, sha1: file.sha1 }));
    await world.stack.drained(world.output('FetchQueueUrl'));
    expect(getsOf(file)).toBe(1);
    await expectHeld(file);
  });
});

describe('with every message delivered twice and out of order', () => {
  it('each file is still downloaded once', async () => {
    const doubled = await startWorld({ stack: { duplicates: 1, seed: 7 } });
    try {
      await doubled.microsoft.publishNext();
      await doubled.run('SyncIndexFunction');
      const wanted = (await payloadFiles(doubled)).slice(0, 12);
      await postReport(
        doubled,
        reportNeeding(
          'host-a',
          wanted.map(({ sha1 }) => sha1),
        ),
      );
      await doubled.run('SweepRequestsFunction');
      for (const file of wanted) {
        await until(
          `${file.name} is there`,
          () => requestOf(doubled, file.sha1),
          (request) => request?.state === 'done',
        );
      }
      await doubled.stack.drained(doubled.output('FetchQueueUrl'));
      expect(doubled.microsoft.counters().payloadGets).toBe(wanted.length);
      expect(await queueLength(doubled, 'FetchDeadLetterQueueUrl')).toBe(0);
    } finally {
      await doubled.close();
    }
  });
});
