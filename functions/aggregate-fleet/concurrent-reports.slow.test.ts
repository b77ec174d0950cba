/** The whole way of a report, by the adapters and the protocols of AWS: what is counted is what is stored. */
import { DescribeTableCommand, UpdateTableCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '#local/runtime/random.ts';
import { batchRecord } from '#local/runtime/stream-record.ts';
import type { ReportedUpdate } from '#shared/contract/agent/report.ts';
import { countHosts, noHostCounts, noUpdateCounts } from '#shared/core/fleet/fleet.ts';
import { listUpdates } from '#shared/core/fleet/list-updates.ts';
import { type HostState, type UpdateState, updateStates } from '#shared/core/status/states.ts';
import { streamHandler } from '#shared/lambda/stream-handler.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { awsFleetRows, awsFleetStore } from '#shared/stores/fleet/aws.ts';
import { fleetReader } from '#shared/stores/fleet/reader.ts';
import { awsHostStore } from '#shared/stores/hosts/aws.ts';
import { hostsBinding } from '#shared/stores/hosts/binding.ts';
import type { HostStore } from '#shared/stores/hosts/port.ts';
import { awsTokenStore } from '#shared/stores/tokens/aws.ts';
import { tokensBinding } from '#shared/stores/tokens/binding.ts';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { captureLog, invoke } from '#test/kit/invoke.ts';
import { MemoryEventSink } from '#test/kit/memory-events.ts';
import { at, guid, hostFactsOf, hostKeyOf, reportOf, sha256, tokenOf } from '#test/kit/values.ts';
import { aggregateFleet, measureBatch } from './aggregate-fleet.ts';
import type { FleetPorts } from './ports.ts';
import { rebuildFleet } from './rebuild.ts';

const machines = 125;
const reportsEach = 8;
const region = 'eu-west-1';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

const random = seededRandom(4);
const pick = <T>(values: readonly T[]): T => values[Math.floor(random.next() * values.length)] as T;

const updates = (): ReportedUpdate[] =>
  [1, 2, 3, 4, 5]
    .filter(() => random.next() < 0.7)
    .map((n) => ({
      updateId: guid(n),
      revision: 1,
      kbs: [`500000${n}`],
      state: pick(updateStates),
      reason: 'because',
      files: [],
    }));

/** Enrols a machine and has it report, each report sent twice as an agent would that got no answer. */
async function live(hosts: HostStore, machineId: string): Promise<void> {
  const { tokenId } = tokenOf(1);
  const enrolled = await hosts.enrol({
    host: hostFactsOf(machineId),
    ...hostKeyOf(machineId),
    tokenId,
    secretSha256: sha256('secret'),
    sequence: 1,
    at: at(1),
  });
  if (enrolled.outcome !== 'enrolled') throw new Error(`${machineId}: ${enrolled.outcome}`);
  for (let n = 0; n < reportsEach; n++) {
    const { thumbprint } = hostKeyOf(machineId);
    const seen = { thumbprint, sequence: n + 2, after: n + 1, at: at(n + 2), allowance: { left: 5, at: n } };
    const report = reportOf(machineId, { updates: updates() });
    const stored = {
      replaces: n,
      report,
      hash: sha256(JSON.stringify(report)),
      scan: { at: seen.at, milliseconds: 1 },
      refused: [],
    };
    const outcomes = await Promise.all([0, 1].map(() => hosts.putReport(machineId, seen, stored)));
    if (!outcomes.includes('stored')) throw new Error(`${machineId}: ${outcomes}`);
  }
}

/** All records of the stream, as Lambda's events carry them. */
async function streamOf(table: string): Promise<string[]> {
  const endpoint = await aws.dynamodb.config.endpoint?.();
  const streams = new DynamoDBStreamsClient({
    region,
    endpoint: `http://${endpoint?.hostname}:${endpoint?.port}`,
    credentials: await aws.dynamodb.config.credentials(),
  });
  const { Table } = await aws.dynamodb.send(new DescribeTableCommand({ TableName: table }));
  const StreamArn = Table?.LatestStreamArn;
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = StreamDescription?.Shards?.[0]?.ShardId;
  let { ShardIterator } = await streams.send(
    new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
  );
  const all: string[] = [];
  for (;;) {
    const { Records = [], NextShardIterator } = await streams.send(new GetRecordsCommand({ ShardIterator }));
    if (Records.length === 0) break;
    all.push(...Records.map((record) => batchRecord(record, StreamArn ?? '').json));
    ShardIterator = NextShardIterator;
  }
  streams.destroy();
  return all;
}

/** What is stored, counted by reading it. */
async function recount(hosts: HostStore) {
  const byState = noHostCounts();
  const byUpdate = new Map<string, Record<UpdateState, number>>();
  for (let n = 0; n < machines; n++) {
    const record = await hosts.find(`pc-${n}`);
    const stored = await hosts.report(`pc-${n}`);
    if (record === undefined || stored === undefined) throw new Error(`pc-${n} is not there`);
    byState[record.state] += 1;
    for (const { updateId, state } of stored.report.updates) {
      const counts = byUpdate.get(updateId) ?? noUpdateCounts();
      counts[state] += 1;
      byUpdate.set(updateId, counts);
    }
  }
  return { byState: byState satisfies Record<HostState, number>, byUpdate };
}

it('counts are exact after 1,000 concurrent reports, with duplicates and retries', { timeout: 120_000 }, async () => {
  const [table, tokensTable, bucket] = [
    await aws.createTable(hostsBinding),
    await aws.createTable(tokensBinding),
    await aws.createBucket(),
  ];
  await aws.dynamodb.send(
    new UpdateTableCommand({
      TableName: table,
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    }),
  );
  const sleep = async (): Promise<void> => undefined;
  const tokens = awsTokenStore({ dynamodb: aws.dynamodb, table: tokensTable, sleep });
  await tokens.create(tokenOf(1, { uses: machines }), sha256('secret'));
  const hosts = awsHostStore({ dynamodb: aws.dynamodb, table, tokensTable, sleep });
  // A handful at a time enrols; a token that all spend at once makes them lose to each other.
  const names = Array.from({ length: machines }, (_, n) => `pc-${n}`);
  await Promise.all(
    Array.from({ length: 25 }, async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) await live(hosts, name);
    }),
  );

  let failures = 0;
  const events = new MemoryEventSink();
  let ids = 0;
  const store = awsFleetStore(aws.s3, bucket);
  const ports: FleetPorts = {
    store: {
      ...store,
      // Some invocations end right before or after one of their writes.
      async putPartition(...given) {
        if (random.next() < 0.1) throw new Error(`killed before ${++failures}`);
        const tag = await store.putPartition(...given);
        if (random.next() < 0.1) throw new Error(`killed after ${++failures}`);
        return tag;
      },
    },
    rows: awsFleetRows(aws.dynamodb, table),
    events,
    maxPartitions: 4,
    now: () => new Date(at(100)),
    random: Math.random,
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    newId: () => `layout-${++ids}`,
  };
  const handler = streamHandler({
    telemetry: createTelemetry('aggregate-fleet'),
    run: (changes) => aggregateFleet(ports, changes),
    measure: measureBatch,
    otherwise: async () => undefined,
  });
  const records = await streamOf(table);
  expect(records.length).toBeGreaterThan(2 * machines * reportsEach);
  // Four readers, as of four shards, each in the order of its machines, with batches that come twice.
  const log = captureLog();
  try {
    await Promise.all(
      [0, 1, 2, 3].map(async (shard) => {
        const own = records.filter((record) => Number(/"pc-(\d+)"/.exec(record)?.[1] ?? 0) % 4 === shard);
        for (let start = 0; start < own.length; ) {
          const size = 1 + Math.floor(random.next() * 120);
          const event = { Records: own.slice(start, start + size).map((record) => JSON.parse(record)) };
          try {
            await invoke(handler, event);
          } catch (error) {
            if (!String(error).includes('killed')) throw error;
            continue;
          }
          if (random.next() < 0.7) start += size;
        }
      }),
    );
  } finally {
    log.restore();
  }
  expect(failures).toBeGreaterThan(3);
  const counted = async () => {
    const fleet = await fleetReader(store).current();
    const found = listUpdates(fleet, { filter: {}, after: undefined, limit: 100 }).updates;
    return { byState: countHosts(fleet), byUpdate: new Map(found.map(({ updateId, hosts: by }) => [updateId, by])) };
  };
  const expected = await recount(hosts);
  expect(await counted()).toEqual(expected);
  const { value: manifest } = (await store.manifest()) ?? {};
  expect(manifest?.totals).toEqual({ hosts: machines, byState: expected.byState });
  // And the same from the table alone.
  expect(await rebuildFleet({ ...ports, store })).toMatchObject({ hosts: machines, unreadable: 0 });
  expect(await counted()).toEqual(expected);
});
