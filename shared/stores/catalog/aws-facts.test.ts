import { GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { at, catalogOf, fileOf, guid, sha1, unit } from '#test/kit/values.ts';
import { awsFacts } from './aws-facts.ts';
import { awsSyncJournal } from './aws-journal.ts';
import { catalogBinding } from './binding.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

const kbs = ['5034441'];
const catalog = catalogOf([1, 2, 3].map((n) => unit(n, { kbs, createdAt: at(n) })));

async function published(dynamodb = aws.dynamodb) {
  const table = await aws.createTable(catalogBinding);
  const waits: number[] = [];
  const sleep = async (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
  };
  const store = awsFacts({ dynamodb, table, sleep, random: () => 0 });
  const written = await store.putFacts(catalog, { previous: undefined, at: at(0) });
  const put = (pk: string, item: object) =>
    aws.dynamodb.send(new PutCommand({ TableName: table, Item: { pk, version: 1, ...item } }));
  return { table, store, written, put, waits };
}

describe('facts in DynamoDB', () => {
  it('that do not parse are named, and heal when they are compared', async () => {
    const { store, put } = await published();
    await put(`update#${guid(2)}`, { revision: 'two hundred' });
    await put(`file#${sha1('file 3')}`, { sha1: sha1('file 3'), size: -1 });
    await expect(store.unitFacts(guid(2))).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining(`update#${guid(2)}`),
    });
    const page = await store.unitsOfKb('5034441', { limit: 10 });
    expect(page).toMatchObject({ unreadable: [guid(2)], total: 3 });
    expect(page.units.map(({ updateId }) => updateId)).toEqual([guid(3), guid(1)]);
    const some = await store.unitsById([guid(1), guid(2)]);
    expect(some).toMatchObject({ units: new Map([[guid(1), { revision: 200 }]]), unreadable: [guid(2)] });

    const healed = await store.putFacts(catalog, { previous: catalog, at: at(0), compareWithTable: true });
    expect(healed).toEqual({ files: 1, units: 1, kbs: 0 });
    expect(await store.unitFacts(guid(2))).toMatchObject({ revision: 200 });
    expect((await store.fileFacts([sha1('file 3')])).get(sha1('file 3'))).toEqual(fileOf(sha1('file 3')));
  });

  it('of before there was a first publication count with their revision, and are not written anew for that', async () => {
    const { table, store } = await published();
    const rows = await aws.dynamodb.send(new ScanCommand({ TableName: table }));
    for (const { firstPublishedAt: _, ...old } of rows.Items ?? [])
      await aws.dynamodb.send(new PutCommand({ TableName: table, Item: old }));
    expect(await store.unitFacts(guid(2))).toMatchObject({ createdAt: at(2), firstPublishedAt: at(2) });
    expect((await store.unitsById([guid(3)])).units.get(guid(3))).toMatchObject({ firstPublishedAt: at(3) });
    const nothing = { files: 0, units: 0, kbs: 0 };
    expect(await store.putFacts(catalog, { previous: catalog, at: at(0), compareWithTable: true })).toEqual(nothing);
    expect(await store.putFacts(catalog, { previous: undefined, at: at(0) })).toEqual(nothing);
    const revised = catalogOf(
      [1, 2, 3].map((n) => unit(n, { kbs, createdAt: at(n === 2 ? 70 : n), revision: n === 2 ? 201 : 200 })),
    );
    expect(await store.putFacts(revised, { previous: catalog, at: at(0) })).toEqual({ files: 0, units: 1, kbs: 1 });
    expect(await store.unitFacts(guid(2))).toMatchObject({ createdAt: at(70), firstPublishedAt: at(2) });
  });

  it('lie beside the rows of the journal, which stay as they are', async () => {
    const { table, store } = await published();
    const journal = awsSyncJournal(aws.dynamodb, table);
    await journal.putRefusal({ at: at(1), reason: 'empty' });
    await journal.putRun({ version: 1, runId: 'run-1', state: 'started', startedAt: at(1) });
    const before = await aws.dynamodb.send(new ScanCommand({ TableName: table }));
    await store.putFacts(catalog, { previous: undefined, at: at(9) });
    const after = await aws.dynamodb.send(new ScanCommand({ TableName: table }));
    expect(after.Items).toEqual(before.Items);
    expect(after.Items).toHaveLength(3 + 3 + 1 + 2);
  });

  it('have rows of one version, under keys that say what they are', async () => {
    const { table } = await published();
    const keyOf = async (pk: string) =>
      (await aws.dynamodb.send(new GetCommand({ TableName: table, Key: { pk } }))).Item;
    expect(await keyOf(`file#${sha1('file 1')}`)).toEqual({
      pk: `file#${sha1('file 1')}`,
      version: 1,
      ...fileOf(sha1('file 1')),
    });
    expect(await keyOf(`update#${guid(1)}`)).toMatchObject({ version: 1, updateId: guid(1), kbs });
    expect(await keyOf('kb#5034441')).toEqual({
      pk: 'kb#5034441',
      version: 1,
      kb: '5034441',
      units: [3, 2, 1].map((n) => ({ updateId: guid(n), createdAt: at(n) })),
    });
  });

  it('are compared through a throttle too', async () => {
    const send: AwsServers['dynamodb']['send'] = aws.dynamodb.send.bind(aws.dynamodb);
    const throttled = Object.create(aws.dynamodb) as AwsServers['dynamodb'];
    let scans = 0;
    throttled.send = (async (command: ScanCommand) => {
      if (command instanceof ScanCommand) {
        scans += 1;
        if (scans % 2 === 1) throw Object.assign(new Error('too much'), { name: 'ThrottlingException' });
      }
      return send(command);
    }) as AwsServers['dynamodb']['send'];
    const { store, written, waits } = await published(throttled);
    expect(written).toEqual({ files: 3, units: 3, kbs: 1 });
    expect(await store.putFacts(catalog, { previous: undefined, at: at(0) })).toEqual({ files: 0, units: 0, kbs: 0 });
    expect(waits.length).toBeGreaterThan(4);
    expect(Math.min(...waits)).toBe(25);
  });
});
