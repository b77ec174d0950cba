import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetBucketLifecycleConfigurationCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Fixture, type FixtureStack, prepareFixture, revoke } from './runtime/fixture/start.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await prepareFixture();
});
afterAll(() => fixture.remove());

const as = (stack: FixtureStack) => ({ region: stack.region, credentials: stack.administrator });
const s3Of = (stack: FixtureStack) =>
  new S3Client({ ...as(stack), endpoint: stack.endpoints.s3, forcePathStyle: true });

const secretOf = async (stack: FixtureStack): Promise<string | undefined> => {
  const secrets = new SecretsManagerClient({ ...as(stack), endpoint: stack.endpoints.secretsManager });
  return (await secrets.send(new GetSecretValueCommand({ SecretId: stack.output('SecretArn') }))).SecretString;
};

describe('a running stack', () => {
  let stack: FixtureStack;
  beforeAll(async () => {
    stack = await fixture.start('running');
  });
  afterAll(() => stack.close());
  const probe = (payload: object) => stack.invoke(stack.output('Worker'), payload);

  it('has functions that use its bucket, table, queue and secret as they are granted', async () => {
    expect(await probe({ do: 'put', key: 'a', body: 'hello' })).toEqual({ ok: true, payload: { body: 'hello' } });
    const object = await s3Of(stack).send(new GetObjectCommand({ Bucket: stack.output('Bucket'), Key: 'a' }));
    expect(await object.Body?.transformToString()).toBe('hello');
    expect(await probe({ do: 'item', key: 'a' })).toMatchObject({ ok: true, payload: { state: { S: 'put' } } });
    expect(await probe({ do: 'secret' })).toEqual({ ok: true, payload: await secretOf(stack) });
    expect(await secretOf(stack)).toMatch(/^[A-Za-z0-9]{48}$/);
  });

  it('has made what the template says, at its own speed', async () => {
    const sqs = new SQSClient({ ...as(stack), endpoint: stack.endpoints.sqs });
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: stack.output('QueueUrl'), AttributeNames: ['All'] }),
    );
    expect(Attributes?.VisibilityTimeout).toBe('1');
    expect(JSON.parse(Attributes?.RedrivePolicy ?? '')).toMatchObject({ maxReceiveCount: 3 });
    const lifecycle = await s3Of(stack).send(
      new GetBucketLifecycleConfigurationCommand({ Bucket: stack.output('Bucket') }),
    );
    expect(lifecycle.Rules).toMatchObject([{ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }]);
    expect(stack.output('Where')).toMatch(/^000000000000\/eu-west-1\/Fixture-Often/);
  });

  it('gives functions the environment of Lambda, with the addresses of this machine', async () => {
    const { payload } = Object(await probe({ do: 'environment' }));
    expect(payload).toMatchObject({
      AWS_REGION: 'eu-west-1',
      AWS_LAMBDA_FUNCTION_NAME: stack.output('Worker'),
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      QUEUE_URL: stack.output('QueueUrl'),
      SECRET_ARN: stack.output('SecretArn'),
    });
    expect(payload.AWS_ACCESS_KEY_ID).not.toBe(stack.administrator.accessKeyId);
    expect(Object.keys(payload)).not.toContain('HOME');
  });

  it('denies what the role does not allow, as AWS does, and says so in the log', async () => {
    const denied = await probe({ do: 'deleteBucket' });
    expect(denied).toMatchObject({ ok: false, kind: 'function-error', error: expect.stringMatching(/^AccessDenied/) });
    expect(stack.log).toContainEqual({
      source: 'iam',
      level: 'warn',
      message: expect.stringMatching(/^denied: .*Worker.* not authorized to perform: s3:DeleteBucket/),
    });
  });

  it('runs the target of a schedule with its input', async () => {
    expect(await stack.trigger(stack.output('Worker'))).toEqual({ ok: true, payload: { body: 'by schedule' } });
    await expect(stack.trigger(stack.output('Web'))).rejects.toThrow(/no schedule invokes Fixture-Web/);
    await expect(stack.trigger('nobody')).rejects.toThrow(/no function nobody in this stack; there are: .*Worker/);
  });

  it('kills a function in the middle of its work', async () => {
    const working = probe({ do: 'sleep', milliseconds: 2500 });
    await expect.poll(() => stack.kill(stack.output('Worker'))).toBe(1);
    expect(await working).toMatchObject({ ok: false, kind: 'crashed' });
    expect(await probe({ do: 'context' })).toMatchObject({ ok: true });
  });

  it('ends a function at the time limit of the template', async () => {
    expect(await probe({ do: 'sleep', milliseconds: 30_000 })).toMatchObject({
      ok: false,
      kind: 'timeout',
      error: expect.stringMatching(/timed out after 3\.00 seconds/),
    });
  });
});

describe('grants', () => {
  let stack: FixtureStack | undefined;
  afterEach(() => stack?.close());

  it('that are taken away from the template fail the calls that needed them', async () => {
    const assemblyDir = await fixture.edited((template) => {
      revoke(template, 'WorkerServiceRole', 'dynamodb:PutItem');
      revoke(template, 'CallerServiceRole', 'lambda:InvokeFunction');
      revoke(template, 'SchedulerRole', 'lambda:InvokeFunction');
    });
    stack = await fixture.start('revoked', { assemblyDir });
    expect(await stack.invoke(stack.output('Worker'), { do: 'put', key: 'a', body: 'b' })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/AccessDenied.*dynamodb:PutItem on resource: .*table\/Fixture-Things/),
    });
    expect(await stack.invoke(stack.output('Caller'), { type: 'Event', payload: { do: 'context' } })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/AccessDeniedException.*lambda:InvokeFunction/),
    });
    expect(await stack.trigger(stack.output('Worker'))).toMatchObject({
      ok: false,
      error: expect.stringMatching(/lambda:InvokeFunction/),
    });
  });

  it('of a role that does not trust the service refuse the start', async () => {
    const assemblyDir = await fixture.edited(({ Resources }) => {
      for (const { Type, Properties } of Object.values(Resources)) {
        if (Type === 'AWS::IAM::Role') {
          Object.assign(
            Properties,
            JSON.parse(JSON.stringify(Properties).replace('lambda.amazonaws', 'ec2.amazonaws')),
          );
        }
      }
    });
    await expect(fixture.start('untrusted', { assemblyDir })).rejects.toMatchObject({
      code: 'not-trusted',
      message: expect.stringMatching(/does not trust lambda\.amazonaws\.com/),
    });
  });

  it('of a function that may not read its queue refuse the start, as a deployment would', async () => {
    const assemblyDir = await fixture.edited((template) =>
      revoke(template, 'ConsumerServiceRole', 'sqs:ReceiveMessage'),
    );
    await expect(fixture.start('no-receive', { assemblyDir })).rejects.toThrow(
      /execution role of Fixture-Consumer.* may not call sqs:ReceiveMessage/,
    );
  });
});

describe('schedules', () => {
  it('run by themselves, at the speed of the stack', async () => {
    // 30 minutes become a second.
    const stack = await fixture.start('scheduled', { schedules: true, speed: 1800 });
    const dynamodb = new DynamoDBClient({ ...as(stack), endpoint: stack.endpoints.dynamodb });
    const item = async () => {
      const key = { id: { S: 'scheduled' } };
      return (await dynamodb.send(new GetItemCommand({ TableName: stack.output('Table'), Key: key }))).Item;
    };
    expect(await item()).toBeUndefined();
    await expect.poll(item, { timeout: 10_000 }).toBeDefined();
    await stack.close();
  });

  it('stand still when they are switched off', async () => {
    const stack = await fixture.start('standing', { speed: 1800 });
    await sleep(2000);
    expect(stack.log.filter(({ message }) => message.startsWith('invoked'))).toEqual([]);
    await stack.close();
  });
});

describe('a data folder', () => {
  it('goes on with what it holds, on the same ports', async () => {
    const first = await fixture.start('kept');
    await first.invoke(first.output('Worker'), { do: 'put', key: 'kept', body: 'still here' });
    const secret = await secretOf(first);
    await first.close();

    const second = await fixture.start('kept');
    expect(second.outputs).toEqual(first.outputs);
    expect(second.endpoints).toEqual(first.endpoints);
    expect(second.operator).toEqual(first.operator);
    expect(await secretOf(second)).toBe(secret);
    const object = await s3Of(second).send(new GetObjectCommand({ Bucket: second.output('Bucket'), Key: 'kept' }));
    expect(await object.Body?.transformToString()).toBe('still here');
    expect(await second.invoke(second.output('Worker'), { do: 'item', key: 'kept' })).toMatchObject({
      ok: true,
      payload: { state: { S: 'put' } },
    });
    await second.close();
  });

  it('goes on with what it holds after kill -9, and leaves no process behind', async () => {
    const main = join(fixture.folder, 'main.mjs');
    const options = {
      assemblyDir: fixture.assemblyDir,
      dataDir: join(fixture.folder, 'killed'),
      upstream: { connect: {}, caFile: '' },
      schedules: false,
    };
    await writeFile(
      main,
      `import { startStack } from ${JSON.stringify(new URL('./stack.ts', import.meta.url).href)};
       const stack = await startStack(${JSON.stringify(options)});
       const worker = stack.outputs.Worker;
       await stack.invoke(worker, { do: 'put', key: 'survivor', body: 'x' });
       console.log(JSON.stringify(await stack.invoke(worker, { do: 'count' })));`,
    );
    const runner = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve) => runner.stdout.once('data', (data) => resolve(String(data))));
    const { processId } = Object(JSON.parse(line)).payload;
    const ended = once(runner, 'exit');
    runner.kill('SIGKILL');
    await ended;
    const alive = () => {
      try {
        return process.kill(processId, 0);
      } catch {
        // No such process.
        return false;
      }
    };
    await expect.poll(alive, { timeout: 5000 }).toBe(false);
    const stack = await fixture.start('killed');
    expect(await stack.invoke(stack.output('Worker'), { do: 'item', key: 'survivor' })).toMatchObject({
      ok: true,
      payload: { state: { S: 'put' } },
    });
    await stack.close();
  });

  it('belongs to one stack at a time', async () => {
    const stack = await fixture.start('shared');
    await expect(fixture.start('shared')).rejects.toMatchObject({
      code: 'data-in-use',
      message: expect.stringMatching(/another stack is running on the data folder .*shared/),
    });
    expect(await stack.invoke(stack.output('Worker'), { do: 'context' })).toMatchObject({ ok: true });
    await stack.close();
    await (await fixture.start('shared')).close();
  });

  it('is not touched by a template that is not modelled', async () => {
    const assemblyDir = await fixture.edited(({ Resources }) => {
      Resources.Stream = { Type: 'AWS::Kinesis::Stream', Properties: {} };
    });
    await expect(fixture.start('untouched', { assemblyDir })).rejects.toMatchObject({
      code: 'unmodelled-resource',
      message: 'Stream: resources of type AWS::Kinesis::Stream are not modelled',
    });
    const odd = await fixture.edited(({ Resources }) => {
      for (const { Type, Properties } of Object.values(Resources)) {
        const [statement] = Properties.PolicyDocument?.Statement ?? [];
        if (Type === 'AWS::IAM::Policy' && statement) {
          Object.assign(statement, { Condition: { StringEquals: { 'dynamodb:LeadingKeys': 'x' } } });
        }
      }
    });
    await expect(fixture.start('untouched', { assemblyDir: odd })).rejects.toMatchObject({ code: 'unmodelled-policy' });
  });
});
