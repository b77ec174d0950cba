import { BatchGetCommand, BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { batchGet, batchPut, inParallel } from './batches.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

/**
 * The real server behind a throttle: of each call only every third key or item gets through, the rest comes back
 * unprocessed, as DynamoDB answers when a table cannot keep up.
 */
function throttled(): AwsServers['dynamodb'] {
  const send: AwsServers['dynamodb']['send'] = aws.dynamodb.send.bind(aws.dynamodb);
  const client = Object.create(aws.dynamodb) as AwsServers['dynamodb'];
  client.send = (async (command: BatchGetCommand | BatchWriteCommand) => {
    const [table, all] = Object.entries(command.input.RequestItems ?? {})[0] ?? ['', []];
    if (command instanceof BatchWriteCommand) {
      const items = Array.isArray(all) ? all : [];
      const through = items.slice(0, Math.ceil(items.length / 3));
      const answer = await send(new BatchWriteCommand({ RequestItems: { [table]: through } }));
      const left = items.slice(through.length);
      return { ...answer, UnprocessedItems: left.length > 0 ? { [table]: left } : {} };
    }
    const keys = Array.isArray(all) ? [] : (all.Keys ?? []);
    const through = keys.slice(0, Math.ceil(keys.length / 3));
    const answer = await send(new BatchGetCommand({ RequestItems: { [table]: { Keys: through } } }));
    const left = keys.slice(through.length);
    return { ...answer, UnprocessedKeys: left.length > 0 ? { [table]: { Keys: left } } : {} };
  }) as AwsServers['dynamodb']['send'];
  return client;
}

const items = Array.from({ length: 260 }, (_, n) => ({ id: `item ${n}`, n }));
const keys = items.map(({ id }) => id);

describe('batches', () => {
  it('get everything through a throttle, waiting longer each round', async () => {
    const table = await aws.createTable({ table: { partitionKey: 'id' } });
    const waits: number[] = [];
    const sleep = async (milliseconds: number): Promise<void> => {
      waits.push(milliseconds);
    };
    await batchPut(throttled(), table, items, sleep, { random: () => 0 });
    const got = await batchGet(throttled(), table, 'id', [...keys, ...keys, 'none'], sleep, { random: () => 0.5 });
    expect(got.map(({ n }) => n).sort((a, b) => Number(a) - Number(b))).toEqual(items.map(({ n }) => n));
    // Chance shortens a wait to its half at most.
    expect(Math.min(...waits)).toBe(25);
    expect(Math.max(...waits)).toBeGreaterThanOrEqual(300);
  });

  it('sit out calls of which nothing gets through, and pass on every other failure', async () => {
    const table = await aws.createTable({ table: { partitionKey: 'id' } });
    const send: AwsServers['dynamodb']['send'] = aws.dynamodb.send.bind(aws.dynamodb);
    const failing = (name: string): AwsServers['dynamodb'] => {
      const client = Object.create(aws.dynamodb) as AwsServers['dynamodb'];
      let calls = 0;
      client.send = (async (command: BatchWriteCommand) => {
        calls += 1;
        if (calls % 3 !== 0) throw Object.assign(new Error(name), { name });
        return send(command);
      }) as AwsServers['dynamodb']['send'];
      return client;
    };
    const sleep = async (): Promise<void> => {};
    await batchPut(failing('ThrottlingException'), table, items, sleep);
    const got = await batchGet(failing('ProvisionedThroughputExceededException'), table, 'id', keys, sleep);
    expect(got).toHaveLength(items.length);
    await expect(batchPut(failing('ValidationException'), table, items, sleep)).rejects.toThrow('ValidationException');
  });

  it('give up on a table that takes nothing', async () => {
    const table = await aws.createTable({ table: { partitionKey: 'id' } });
    const client = Object.create(aws.dynamodb) as AwsServers['dynamodb'];
    client.send = (async (command: BatchWriteCommand) => ({
      UnprocessedItems: command.input.RequestItems,
    })) as AwsServers['dynamodb']['send'];
    await expect(batchPut(client, table, items, async () => {})).rejects.toThrow(
      /did not write items .*25 left.* 10 rounds/,
    );
  });

  it('draw no more items after a failure', async () => {
    let drawn = 0;
    function* endless() {
      for (;;) {
        drawn += 1;
        yield { id: `item ${drawn}` };
      }
    }
    await expect(batchPut(aws.dynamodb, 'no-such-table', endless(), async () => {})).rejects.toThrow();
    expect(drawn).toBeLessThan(25 * 30);
  });

  it('write nothing any more once a failure was thrown', async () => {
    const table = await aws.createTable({ table: { partitionKey: 'id' } });
    const send: AwsServers['dynamodb']['send'] = aws.dynamodb.send.bind(aws.dynamodb);
    const client = Object.create(aws.dynamodb) as AwsServers['dynamodb'];
    let [calls, thrown, written, writtenAfter] = [0, false, 0, 0];
    client.send = (async (command: BatchWriteCommand) => {
      calls += 1;
      if (calls === 1) throw new Error('one call failed');
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (thrown) writtenAfter += 1;
      const answer = await send(command);
      written += 1;
      return answer;
    }) as AwsServers['dynamodb']['send'];
    await expect(batchPut(client, table, items, async () => {})).rejects.toThrow('one call failed');
    thrown = true;
    await new Promise((resolve) => setTimeout(resolve, 60));
    // The seven that were on their way are waited for; the others are not begun.
    expect({ written, writtenAfter }).toEqual({ written: 7, writtenAfter: 0 });
  });

  it('do not repeat what is left once another call failed', async () => {
    const table = await aws.createTable({ table: { partitionKey: 'id' } });
    const client = Object.create(aws.dynamodb) as AwsServers['dynamodb'];
    let calls = 0;
    client.send = (async (command: BatchWriteCommand) => {
      calls += 1;
      if (calls === 8) throw new Error('the eighth failed');
      return { UnprocessedItems: command.input.RequestItems };
    }) as AwsServers['dynamodb']['send'];
    const sleep = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
    await expect(batchPut(client, table, items, sleep)).rejects.toThrow('the eighth failed');
    expect(calls).toBe(8);
  });

  it('stop between rounds when their caller says so, with its reason', async () => {
    const table = await aws.createTable({ table: { partitionKey: 'id' } });
    const stop = new AbortController();
    const sleep = async (): Promise<void> => stop.abort(new Error('no time left'));
    await expect(batchPut(throttled(), table, items, sleep, { signal: stop.signal })).rejects.toThrow('no time left');
    await expect(batchGet(throttled(), table, 'id', keys, sleep, { signal: stop.signal })).rejects.toThrow(
      'no time left',
    );
    const some = await batchGet(aws.dynamodb, table, 'id', keys, sleep);
    expect(some.length).toBeGreaterThan(0);
    expect(some.length).toBeLessThan(items.length);
  });

  it('throw the failure that came first, not one that follows from it', async () => {
    const run = async (job: number, signal: AbortSignal): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, job === 3 ? 5 : 15));
      if (job === 3) throw new Error('the cause');
      signal.throwIfAborted();
    };
    await expect(inParallel(3, [1, 2, 3, 4], run)).rejects.toThrow('the cause');
  });
});
