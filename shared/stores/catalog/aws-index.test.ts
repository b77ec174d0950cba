import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { readAll, sha256, streamOf } from '#test/kit/values.ts';
import { awsIndexStore } from './aws-index.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

it.each(['openStaged', 'promote', 'keepAside'] as const)(
  'staged bytes that somebody replaced after they were opened are not taken by %s',
  async (method) => {
    const bucket = await aws.createBucket();
    const store = awsIndexStore(aws.s3, bucket);
    const bytes = Buffer.from('verified');
    await store.stage('copy', streamOf(bytes));
    expect(await readAll(await store.openStaged('copy'))).toEqual(bytes);
    // Another process, which does not know of this one's pin.
    await awsIndexStore(aws.s3, bucket).stage('copy', streamOf(Buffer.from('replaced')));
    const staged = { copyId: 'copy', sha256: sha256(bytes), bytes: bytes.byteLength };
    const again = method === 'openStaged' ? store.openStaged('copy') : store[method](staged);
    await expect(again).rejects.toMatchObject({ name: 'StoreError', code: 'conflict' });
    expect(await aws.keys(bucket)).toEqual(['staging/index/copy.cab']);
    // The next run, perhaps in the same process, reads and verifies what is there now.
    expect((await readAll(await store.openStaged('copy'))).toString()).toBe('replaced');
  },
);
