import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { at, sha256 } from '#test/kit/values.ts';
import { awsAuditLog } from './aws.ts';
import { awsAuditAnchorStore } from './aws-anchors.ts';
import { auditBinding } from './binding.ts';
import { auditAnchorStoreContract, auditLogContract, auditRecordOf } from './contract-suite.ts';

const sleep = async (milliseconds: number): Promise<void> => {
  await wait(milliseconds);
};

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

const make = async () => {
  const table = await aws.createTable(auditBinding);
  return { table, log: awsAuditLog({ dynamodb: aws.dynamodb, table, newId: randomUUID, sleep }) };
};
auditLogContract('DynamoDB', async () => (await make()).log);
auditAnchorStoreContract('S3', async () => awsAuditAnchorStore(aws.s3, await aws.createBucket()));

describe('the audit log on DynamoDB', () => {
  it('names rows that do not parse, and chains nothing to one', async () => {
    const { table, log } = await make();
    await log.append(auditRecordOf(1));
    const bad = { chain: 'main', number: '000000000002', text: '{"version":1}', hash: sha256('x'), writer: 'somebody' };
    await aws.dynamodb.send(new PutCommand({ TableName: table, Item: bad }));
    expect(await log.list({ limit: 10 })).toMatchObject({ items: [{ number: 1 }], unreadable: ['2'] });
    await expect(log.append(auditRecordOf(3))).rejects.toMatchObject({ code: 'corrupt', message: /entry 2/ });
  });

  it('writes once when the SDK sends an append again whose answer got lost', async () => {
    const table = await aws.createTable(auditBinding);
    let lose = true;
    const dynamodb = Object.create(aws.dynamodb, {
      send: {
        value: async (command: PutCommand) => {
          const answer = await aws.dynamodb.send(command);
          // As the SDK does by itself after a broken connection: the same request again.
          if (!(command instanceof PutCommand && lose)) return answer;
          lose = false;
          return aws.dynamodb.send(command);
        },
      },
    }) as typeof aws.dynamodb;
    const log = awsAuditLog({ dynamodb, table, newId: randomUUID, sleep });
    expect(await log.append(auditRecordOf(1))).toMatchObject({ number: 1 });
    expect((await log.list({ limit: 10 })).items).toHaveLength(1);
  });
});

describe('anchors in S3', () => {
  it('that are none, or of another day, are named', async () => {
    const bucket = await aws.createBucket();
    const store = awsAuditAnchorStore(aws.s3, bucket);
    const put = (Key: string, Body: string) => aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    await put('anchors/2026-11-01.json', 'no JSON');
    const anchor = { version: 1, date: '2026-11-03', number: 1, hash: sha256('x'), at: at(1) };
    await put('anchors/2026-11-02.json', JSON.stringify(anchor));
    expect(await store.list({ limit: 10 })).toEqual({
      items: [],
      unreadable: ['anchors/2026-11-01.json', 'anchors/2026-11-02.json'],
    });
  });
});
