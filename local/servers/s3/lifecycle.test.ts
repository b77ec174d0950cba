import type { LifecycleRule } from '@aws-sdk/client-s3';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketLifecycleCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketNotificationConfigurationCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestS3 } from './testing/start.ts';
import { startTestS3 } from './testing/start.ts';

let s3: TestS3;
let Bucket = '';
let counter = 0;
let nowMs = 0;
let sent: { arn: string; body: string }[] = [];
let queueIsDown = false;

beforeAll(async () => {
  s3 = await startTestS3({
    nowMs: () => nowMs,
    sendEvent: async (arn, body) => {
      if (queueIsDown) throw new Error('the queue is down');
      sent.push({ arn, body });
    },
  });
});
beforeEach(async () => {
  Bucket = `ruled-${counter++}`;
  nowMs = Date.parse('2026-03-01T15:00:00Z');
  sent = [];
  await s3.client.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => s3.stop());

const put = (Key: string, more: object = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...more }));
const rules = (...Rules: LifecycleRule[]) =>
  s3.client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
const keys = async () => {
  const page = await s3.client.send(new ListObjectsV2Command({ Bucket }));
  return (page.Contents ?? []).map((one) => one.Key);
};

describe('lifecycle rules', () => {
  it('are kept, given back and removed', async () => {
    const get = () => s3.client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    await expect(get()).rejects.toMatchObject({ name: 'NoSuchLifecycleConfiguration' });
    await rules({ ID: 'r', Status: 'Enabled', Filter: { Prefix: 'staging/' }, Expiration: { Days: 2 } });
    expect((await get()).Rules).toEqual([
      { ID: 'r', Status: 'Enabled', Filter: { Prefix: 'staging/' }, Expiration: { Days: 2 } },
    ]);
    await s3.client.send(new DeleteBucketLifecycleCommand({ Bucket }));
    await expect(get()).rejects.toMatchObject({ name: 'NoSuchLifecycleConfiguration' });
  });

  it('expire objects at the midnight after their days, by prefix, tags and size', async () => {
    await put('staging/old');
    await put('kept/old');
    await put('staging/tagged', { Tagging: 'keep=no' });
    await put('staging/large', { Body: 'x'.repeat(100) });
    await rules(
      { Status: 'Enabled', Filter: { And: { Prefix: 'staging/', ObjectSizeLessThan: 50 } }, Expiration: { Days: 2 } },
      { Status: 'Enabled', Filter: { Tag: { Key: 'keep', Value: 'no' } }, Expiration: { Days: 1 } },
      { Status: 'Disabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } },
    );
    nowMs = Date.parse('2026-03-02T23:59:59Z');
    expect(await s3.server.sweep()).toEqual({ expiredObjects: 0, abortedUploads: 0 });
    nowMs = Date.parse('2026-03-03T00:00:00Z');
    await s3.server.sweep();
    expect(await keys()).toEqual(['kept/old', 'staging/large', 'staging/old']);
    nowMs = Date.parse('2026-03-04T00:00:00Z');
    await s3.server.sweep();
    expect(await keys()).toEqual(['kept/old', 'staging/large']);
  });

  it('abort uploads that nobody completes', async () => {
    await rules({
      Status: 'Enabled',
      Filter: { Prefix: 'staging/' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    });
    for (const Key of ['staging/u', 'other/u']) {
      const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      await s3.client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' }));
    }
    nowMs += 2 * 24 * 3600 * 1000;
    expect(await s3.server.sweep()).toMatchObject({ abortedUploads: 1 });
    const left = await s3.client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(left.Uploads?.map((one) => one.Key)).toEqual(['other/u']);
  });

  it('that cannot be carried out are refused', async () => {
    await expect(
      rules({ Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Date: new Date(0) } }),
    ).rejects.toMatchObject({
      name: 'NotImplemented',
    });
    await expect(rules({ Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 0 } })).rejects.toMatchObject({
      name: 'InvalidArgument',
    });
  });
});

describe('event notifications', () => {
  const QueueArn = 'arn:aws:sqs:eu-west-1:111122223333:events';
  const configure = (Events: ('s3:ObjectCreated:*' | 's3:ObjectCreated:Put' | 's3:ObjectRemoved:*')[]) =>
    s3.client.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: {
          QueueConfigurations: [
            {
              Id: 'rule',
              QueueArn,
              Events,
              Filter: {
                Key: {
                  FilterRules: [
                    { Name: 'prefix', Value: 'in/' },
                    { Name: 'suffix', Value: '.cab' },
                  ],
                },
              },
            },
          ],
        },
      }),
    );
  const arrived = () =>
    sent.map(({ arn, body }) => {
      const [record] = JSON.parse(body).Records;
      return [arn, record.eventName, record.s3.bucket.name, record.s3.object.key];
    });

  it('go to the queue for the events, prefix and suffix that were asked for', async () => {
    await configure(['s3:ObjectCreated:*', 's3:ObjectRemoved:*']);
    const kept = await s3.client.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    expect(kept.QueueConfigurations).toMatchObject([{ Id: 'rule', QueueArn }]);
    await put('in/a +é.cab');
    await put('in/other.txt');
    await put('out/a.cab');
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'in/a +é.cab' }));
    await expect.poll(arrived).toEqual([
      [QueueArn, 'ObjectCreated:Put', Bucket, 'in/a+%2B%C3%A9.cab'],
      [QueueArn, 'ObjectRemoved:Delete', Bucket, 'in/a+%2B%C3%A9.cab'],
    ]);
    expect(JSON.parse(sent[0]?.body ?? '').Records[0]).toMatchObject({
      eventSource: 'aws:s3',
      awsRegion: 'eu-west-1',
      s3: { configurationId: 'rule', object: { size: 1, eTag: expect.stringMatching(/^[0-9a-f]{32}$/) } },
    });
  });

  it('wait for a queue that is down, also over a restart', async () => {
    await configure(['s3:ObjectCreated:Put']);
    queueIsDown = true;
    await put('in/later.cab');
    await s3.restart();
    expect(sent).toEqual([]);
    queueIsDown = false;
    await s3.restart();
    await expect.poll(arrived).toEqual([[QueueArn, 'ObjectCreated:Put', Bucket, 'in/later.cab']]);
  });

  it('to other targets are refused', async () => {
    const topics = s3.client.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: {
          TopicConfigurations: [{ TopicArn: 'arn:aws:sns:eu-west-1:111122223333:t', Events: ['s3:ObjectCreated:*'] }],
        },
      }),
    );
    await expect(topics).rejects.toMatchObject({ name: 'NotImplemented' });
  });
});
