import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { catalogOf, pointerOf, readAll, sha256, streamOf, unit } from '#test/kit/values.ts';
import { awsCatalogStore } from './aws-catalog.ts';
import { awsIndexStore } from './aws-index.ts';
import { catalogBinding } from './binding.ts';

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

it('a publication that is dropped takes its catalogue with it, and one of which only that is left is listed', async () => {
  const { dynamodb, s3 } = aws;
  const [table, bucket] = [await aws.createTable(catalogBinding), await aws.createBucket()];
  const store = awsIndexStore(s3, bucket);
  const catalog = awsCatalogStore({ dynamodb, s3, table, bucket, sleep: async () => {} });
  const [whole, half] = [sha256('whole'), sha256('half')];
  await store.stage('copy', streamOf('whole'));
  await store.promote({ copyId: 'copy', sha256: whole, bytes: 5 });
  for (const digest of [whole, half]) await catalog.putSnapshot(digest, catalogOf([unit(1)]));
  await store.moveCurrent(pointerOf(whole), undefined);
  expect((await store.publications()).map((one) => one.sha256).toSorted()).toEqual([whole, half].toSorted());
  for (const digest of [whole, half]) await store.dropPublication(digest);
  // The pointer is no publication: whoever calls sees to it that nothing refers to one.
  expect(await aws.keys(bucket)).toEqual(['index/current.json']);
});
