/**
 * Clients that we did not write and that do not share our SDK: awscli (botocore), rclone and s3cmd. They are Debian
 * packages; where one is not installed its tests are skipped, except in CI, where it is required.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestS3 } from './testing/start.ts';
import { REGION, SECRETS, startTestS3 } from './testing/start.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const isRequired = process.env.CI === 'true';
const CONTENTS: Readonly<Record<string, Buffer>> = {
  'small.txt': Buffer.from('small\n'),
  'sub folder/odd +&é=%.bin': randomBytes(70_000),
  'empty.bin': Buffer.alloc(0),
  // Large enough that all three use multipart uploads.
  'large.bin': randomBytes(21 * MIB),
};

let s3: TestS3;
let folder: string;
let env: NodeJS.ProcessEnv;

async function isInstalled(command: string): Promise<boolean> {
  try {
    await run(command, ['--version']);
    return true;
  } catch {
    // Not there, or so broken that it does not tell its version.
    return false;
  }
}
const installed = {
  aws: await isInstalled('aws'),
  rclone: await isInstalled('rclone'),
  s3cmd: await isInstalled('s3cmd'),
};

async function writeTree(root: string): Promise<void> {
  for (const [name, content] of Object.entries(CONTENTS)) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), content);
  }
}

async function expectTree(root: string): Promise<void> {
  for (const [name, content] of Object.entries(CONTENTS)) {
    expect((await readFile(join(root, name))).equals(content), name).toBe(true);
  }
}

beforeAll(async () => {
  s3 = await startTestS3();
  folder = await mkdtemp(join(tmpdir(), 'kbroker-strangers-'));
  await writeTree(join(folder, 'tree'));
  env = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: folder,
    AWS_ACCESS_KEY_ID: 'ADMIN',
    AWS_SECRET_ACCESS_KEY: SECRETS.ADMIN,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    RCLONE_CONFIG: join(folder, 'rclone.conf'),
    RCLONE_CONFIG_LOCAL_TYPE: 's3',
    RCLONE_CONFIG_LOCAL_PROVIDER: 'Other',
    RCLONE_CONFIG_LOCAL_ENDPOINT: s3.server.url,
    RCLONE_CONFIG_LOCAL_REGION: REGION,
    RCLONE_CONFIG_LOCAL_ACCESS_KEY_ID: 'ADMIN',
    RCLONE_CONFIG_LOCAL_SECRET_ACCESS_KEY: SECRETS.ADMIN,
    RCLONE_S3_UPLOAD_CUTOFF: '8M',
    RCLONE_S3_CHUNK_SIZE: '5M',
  };
  await mkdir(join(folder, '.aws'));
  // Without it awscli 1 presigns with the old signature version 2 for addresses that are not AWS's.
  await writeFile(join(folder, '.aws', 'config'), '[default]\ns3 =\n  signature_version = s3v4\n');
  const host = new URL(s3.server.url).host;
  const s3cfg = {
    access_key: 'ADMIN',
    secret_key: SECRETS.ADMIN,
    bucket_location: REGION,
    host_base: host,
    host_bucket: host,
    use_https: 'False',
    signature_v2: 'False',
    multipart_chunk_size_mb: '8',
  };
  await writeFile(
    join(folder, '.s3cfg'),
    `[default]\n${Object.entries(s3cfg)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('')}`,
  );
});
afterAll(async () => {
  await s3.stop();
  await rm(folder, { recursive: true, force: true });
});

const call = async (command: string, ...words: string[]) => (await run(command, words, { env, cwd: folder })).stdout;
const target = (name: string) => join(folder, name);

describe.skipIf(!installed.aws && !isRequired)('awscli', () => {
  const aws = (...words: string[]) => call('aws', '--endpoint-url', s3.server.url, ...words);

  it('makes a bucket, syncs a tree there and back, lists and removes it', async () => {
    await aws('s3', 'mb', 's3://by-aws');
    await aws('s3', 'sync', '--no-progress', 'tree', 's3://by-aws/tree/');
    const list = await aws('s3', 'ls', '--recursive', 's3://by-aws');
    for (const name of Object.keys(CONTENTS)) expect(list).toContain(`tree/${name}`);
    await aws('s3', 'sync', '--no-progress', 's3://by-aws/tree/', 'aws-back');
    await expectTree(target('aws-back'));
    await aws('s3', 'rb', '--force', 's3://by-aws');
  });

  it('puts with a checksum, and reads ranges and presigned addresses', async () => {
    await s3.client.send(new CreateBucketCommand({ Bucket: 'by-aws-api' }));
    const where = ['--bucket', 'by-aws-api', '--key', 'k'];
    // Debian's awscli (2.9) is older than conditional puts; those are proved with the SDK.
    const put = ['put-object', ...where, '--body', 'tree/small.txt'];
    const answer = JSON.parse(await aws('s3api', ...put, '--checksum-algorithm', 'SHA256'));
    expect(answer.ChecksumSHA256).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    await aws('s3api', 'get-object', ...where, '--range', 'bytes=1-2', target('range'));
    expect(await readFile(target('range'), 'utf8')).toBe('ma');
    const address = (await aws('s3', 'presign', 's3://by-aws-api/k')).trim();
    expect(await (await fetch(address)).text()).toBe('small\n');
  });
});

describe.skipIf(!installed.rclone && !isRequired)('rclone', () => {
  const rclone = (...words: string[]) => call('rclone', ...words);

  it('copies a tree there and back, checks it, lists it and purges it', async () => {
    await rclone('mkdir', 'local:by-rclone');
    await rclone('copy', 'tree', 'local:by-rclone/tree');
    await rclone('check', 'tree', 'local:by-rclone/tree');
    const list = JSON.parse(await rclone('lsjson', '--recursive', '--files-only', 'local:by-rclone/tree'));
    expect(list.map((entry: { Path: string }) => entry.Path).sort()).toEqual(Object.keys(CONTENTS).sort());
    await rclone('copy', 'local:by-rclone/tree', 'rclone-back');
    await expectTree(target('rclone-back'));
    await rclone('moveto', 'local:by-rclone/tree/small.txt', 'local:by-rclone/moved.txt');
    expect(await rclone('cat', 'local:by-rclone/moved.txt')).toBe('small\n');
    await rclone('purge', 'local:by-rclone');
    expect(await rclone('lsd', 'local:')).not.toContain('by-rclone');
  });
});

describe.skipIf(!installed.s3cmd && !isRequired)('s3cmd', () => {
  const s3cmd = (...words: string[]) => call('s3cmd', '--no-progress', ...words);

  it('syncs a tree there and back, copies, lists and removes it', async () => {
    await s3cmd('mb', 's3://by-s3cmd');
    await s3cmd('sync', 'tree/', 's3://by-s3cmd/tree/');
    const list = await s3cmd('ls', '--recursive', 's3://by-s3cmd');
    for (const name of Object.keys(CONTENTS)) expect(list).toContain(`s3://by-s3cmd/tree/${name}`);
    await mkdir(target('s3cmd-back'));
    await s3cmd('sync', 's3://by-s3cmd/tree/', 's3cmd-back/');
    await expectTree(target('s3cmd-back'));
    await s3cmd('cp', 's3://by-s3cmd/tree/small.txt', 's3://by-s3cmd/copy.txt');
    await s3cmd('get', 's3://by-s3cmd/copy.txt', 'copy.txt');
    expect(await readFile(target('copy.txt'), 'utf8')).toBe('small\n');
    await s3cmd('del', '--recursive', '--force', 's3://by-s3cmd');
    await s3cmd('rb', 's3://by-s3cmd');
  });
});
