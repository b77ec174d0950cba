import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '#cli/main.ts';
import type { ReportedUpdate } from '#shared/contract/agent/report.ts';
import { cleaningRun } from '#shared/contract/operators/cleaning.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { UpdateFactsView } from '#shared/contract/operators/updates.ts';
import type { UpdateState } from '#shared/core/status/states.ts';
import { currentCatalog, lookup, postReport, reportNeeding, requestOf } from './hosts.ts';
import { fromRepository } from './repository.ts';
import { keysOf, startWorld, until, type World } from './world.ts';

const day = 86_400_000;

let world: World;
let table: DynamoDBDocumentClient;
let profileFile: string;
let view: UpdateFactsView;
let file: { readonly sha1: string; readonly sha256: string; readonly size: number };

beforeAll(async () => {
  world = await startWorld();
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
  table = DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: world.stack.endpoints.dynamodb,
      region: world.stack.region,
      credentials: world.stack.administrator,
    }),
  );
  profileFile = join(world.folder, 'profile.json');
  await writeFile(profileFile, JSON.stringify(await world.profileOf('operator')));
  view = await anUpdateWithOneFile();
  const [only] = view.files;
  if (only?.sha256 === undefined || only.size === undefined) throw new Error('the index says too little of its file');
  file = { sha1: only.sha1, sha256: only.sha256, size: only.size };
});
afterAll(async () => {
  table?.destroy();
  await world?.close();
});

async function anUpdateWithOneFile(): Promise<UpdateFactsView> {
  const { updates } = await currentCatalog(world);
  for (const { updateId, isBundle } of updates.values()) {
    // What hosts report is a bundle; its files are those of its parts.
    if (!isBundle) continue;
    const found = await world.call(operatorEndpoints.getUpdate, { params: { updateId } }).catch(() => undefined);
    if (found?.files.length === 1 && found.files[0]?.url !== undefined && found.files[0].sha256 !== undefined)
      return found;
  }
  throw new Error('the fake Microsoft offers no update with one file');
}

/** The host's next report says this of the update; and the snapshot of the fleet has it. */
async function report(state: UpdateState): Promise<void> {
  const { updateId, revision } = view.update;
  const needs = state === 'MISSING' ? [file.sha1] : [];
  const update: ReportedUpdate = { updateId, revision, kbs: ['5000001'], state, reason: 'because', files: needs };
  await postReport(world, reportNeeding('host-a', needs, { updates: [update] }));
  await world.stack.streamsDrained();
  expect(await world.stack.trigger(world.output('AggregateFleetFunction'))).toMatchObject({ ok: true });
  await world.stack.streamsDrained();
}

/** `kbroker files clean` as an operator; its JSON is the run. */
async function clean(...flags: readonly string[]) {
  const printed = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof printed) => ({
    write: (text: string): void => {
      printed[name] += text;
    },
  });
  const io = { stdout: stream('stdout'), stderr: stream('stderr'), env: {} };
  const args = ['--profile-file', profileFile, 'files', 'clean', '--json', ...flags];
  const exitCode = await main(args, io);
  if (printed.stdout === '') throw new Error(printed.stderr);
  return { exitCode, result: cleaningRun.parse(JSON.parse(printed.stdout)).result };
}

const stateOf = async () => (await lookup(world, [file.sha1]))[0]?.state;
const objectKey = (): string => `payloads/sha256/${file.sha256}`;
const stored = async () => (await keysOf(world, 'PayloadsBucket')).includes(objectKey());
const getsOf = (): number => world.microsoft.counters().payloadGets;
const held = async () => (await world.call(operatorEndpoints.getStatus)).payloads;

async function fetched(): Promise<void> {
  await world.run('SweepRequestsFunction');
  await until(
    'the file is there',
    () => requestOf(world, file.sha1),
    (request) => request?.state === 'done',
  );
}

/** Days go by for what the cleaning wrote down of the file. */
async function daysGoBy(attribute: 'unneededSince' | 'retiredAt', days: number): Promise<void> {
  await table.send(
    new UpdateCommand({
      TableName: world.output('PayloadsTable'),
      Key: { sha1: file.sha1 },
      UpdateExpression: 'SET #at = :at',
      ConditionExpression: 'attribute_exists(#at)',
      ExpressionAttributeNames: { '#at': attribute },
      ExpressionAttributeValues: { ':at': new Date(Date.now() - days * day).toISOString() },
    }),
  );
}

describe('a file in the repository', () => {
  it('stays while a host needs it', async () => {
    await report('MISSING');
    await fetched();
    expect(await clean('--yes', '--grace', '0d')).toMatchObject({
      exitCode: 0,
      result: { outcome: 'cleaned', hosts: 1, needed: { files: 1, bytes: file.size }, retired: { files: 0 } },
    });
    expect(await stateOf()).toBe('held');
  });

  it('waits for its grace period when no host needs it any more, and a dry run says what would be', async () => {
    await report('OK');
    expect(await clean('--yes')).toMatchObject({ result: { waiting: { files: 1 }, retired: { files: 0 } } });
    await daysGoBy('unneededSince', 14);
    expect(await clean('--dry-run')).toMatchObject({
      exitCode: 0,
      result: { dryRun: true, retired: { files: 1, bytes: file.size }, largest: [{ sha1: file.sha1 }] },
    });
    expect(await stateOf()).toBe('held');
  });

  it('is there to the end for an agent that was told before that it is held', async () => {
    const cdn = `/${objectKey()}`;
    expect(await stateOf()).toBe('held');
    const begun = await fromRepository(world, cdn, { range: `bytes=0-${Math.floor(file.size / 2) - 1}` });
    const first = Buffer.from(await begun.arrayBuffer());
    // By the schedule, as it comes every day.
    await world.run('CleanPayloadsFunction');
    expect(await stateOf(), 'nobody else is told any more').toBe('absent');
    expect(await held()).toEqual({ files: 0, bytes: 0 });
    await world.run('CleanPayloadsFunction');
    const rest = await fromRepository(world, cdn, { range: `bytes=${Math.floor(file.size / 2)}-` });
    const whole = Buffer.concat([first, Buffer.from(await rest.arrayBuffer())]);
    expect(createHash('sha256').update(whole).digest('hex')).toBe(file.sha256);
  });

  it('is held again without a download when a host asks in the pause', async () => {
    const before = getsOf();
    await report('MISSING');
    await fetched();
    expect(await stateOf()).toBe('held');
    expect(await held()).toEqual({ files: 1, bytes: file.size });
    expect(getsOf()).toBe(before);
  });

  it('is gone after the pause, and its bytes with it', async () => {
    await report('OK');
    expect(await clean('--yes', '--grace', '0d')).toMatchObject({
      result: { retired: { files: 1 }, removed: { files: 0 } },
    });
    expect(await stored()).toBe(true);
    await daysGoBy('retiredAt', 2);
    expect(await clean('--yes')).toMatchObject({ result: { removed: { files: 1, bytes: file.size } } });
    expect(await stored()).toBe(false);
    expect((await fromRepository(world, `/${objectKey()}`)).ok).toBe(false);
    expect(await held()).toEqual({ files: 0, bytes: 0 });
    const removed = world.stack.events().filter(({ detailType }) => detailType === 'FileRemoved');
    expect(removed.map(({ detail }) => detail)).toEqual([expect.objectContaining({ version: 1, ...file })]);
  });

  it('returns when a host asks for it', async () => {
    const before = getsOf();
    await report('MISSING');
    expect(await stateOf()).toBe('requested');
    await fetched();
    expect(await stateOf()).toBe('held');
    expect(await stored()).toBe(true);
    expect(getsOf()).toBe(before + 1);
  });
});

describe('nothing is taken out', () => {
  it('while it is not known what hosts need; who asked is known', async () => {
    await report('OK');
    await world.run('CleanPayloadsFunction');
    const manifest = { Bucket: world.output('FleetBucket'), Key: 'fleet/v2/current.json' };
    await world.s3.send(new DeleteObjectCommand(manifest));
    const { exitCode, result } = await clean('--yes', '--grace', '0d');
    expect({ exitCode, result }).toEqual({
      exitCode: 1,
      result: { outcome: 'stopped', reason: 'there is no snapshot of the fleet yet' },
    });
    expect(await stateOf()).toBe('held');
    const { entries } = await world.call(operatorEndpoints.listAudit, { query: { order: 'descending', limit: '1' } });
    expect(entries[0]).toMatchObject({
      action: 'files.clean',
      after: { graceSeconds: 0 },
      actor: { role: 'operator' },
    });
  });
});
