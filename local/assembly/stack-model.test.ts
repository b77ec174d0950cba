// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes its placeholders like that.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCloudAssembly } from './cloud-assembly.ts';
import { lambdaFunction, schedule } from './resources/compute.ts';
import { distribution } from './resources/edge.ts';
import { bucket, globalTable, queue } from './resources/storage.ts';
import { loadStackModel, type StackModel } from './stack-model.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-assembly-'));
});
afterEach(() => rm(folder, { recursive: true }));

const manifest = (...stacks: string[]) => ({
  version: '55.0.0',
  artifacts: {
    ...Object.fromEntries(
      stacks.map((name) => [
        name,
        {
          type: 'aws:cloudformation:stack',
          environment: 'aws://unknown-account/eu-central-1',
          properties: { templateFile: 'template.json' },
        },
      ]),
    ),
    'Stack.assets': { type: 'cdk:asset-manifest', properties: { file: 'assets.json' } },
  },
});

const assets = {
  files: {
    abc: { source: { path: 'asset.abc', packaging: 'zip' }, destinations: { here: { objectKey: 'abc.zip' } } },
  },
};

async function write(template: object, stacks = ['Stack']): Promise<void> {
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest(...stacks)));
  await writeFile(join(folder, 'assets.json'), JSON.stringify(assets));
  await writeFile(join(folder, 'template.json'), JSON.stringify(template));
}

async function load(template: object): Promise<StackModel> {
  await write(template);
  return loadStackModel(await readCloudAssembly(folder), { defaultRegion: 'eu-west-1', accountId: '000000000000' });
}

const resource = (Type: string, Properties: object = {}, more: object = {}) => ({ Type, Properties, ...more });

describe('a cloud assembly', () => {
  it('has one stack, its region and its assets', async () => {
    await write({ Resources: {} });
    const assembly = await readCloudAssembly(folder);
    expect(assembly).toMatchObject({ stackName: 'Stack', region: 'eu-central-1' });
    expect([...assembly.assets]).toEqual([['abc.zip', join(folder, 'asset.abc')]]);
  });

  it('is refused when it is none, or holds more than one stack', async () => {
    await expect(readCloudAssembly(join(folder, 'absent'))).rejects.toThrow(/is this the output of `cdk synth`/);
    await write({ Resources: {} }, ['One', 'Two']);
    await expect(readCloudAssembly(folder)).rejects.toThrow(/exactly one stack, it holds: One, Two/);
    await write({ Resources: {}, Transform: 'AWS::Serverless-2016-10-31' });
    await expect(readCloudAssembly(folder)).rejects.toThrow(/Transform is not modelled/);
  });
});

describe('the model', () => {
  it('resolves names, ARNs and outputs, the same on every start', async () => {
    const template = {
      Resources: {
        Things: resource('AWS::S3::Bucket', { BucketName: { 'Fn::Join': ['-', ['things', { Ref: 'AWS::Region' }]] } }),
        Other: resource('AWS::S3::Bucket'),
        Work: resource('AWS::SQS::Queue', { VisibilityTimeout: '90' }),
      },
      Outputs: {
        Url: { Value: { Ref: 'Work' } },
        Arn: { Value: { 'Fn::Sub': '${Things.Arn}/*' } },
      },
    };
    const model = await load(template);
    expect(model.of(bucket).map(({ ref }) => ref)).toEqual(['things-eu-central-1', 'stack-other']);
    expect(model.of(queue)[0]?.properties).toMatchObject({ VisibilityTimeout: 90, DelaySeconds: 0 });
    expect(model.outputs).toEqual({
      Url: 'https://sqs.eu-central-1.amazonaws.com/000000000000/Stack-Work',
      Arn: 'arn:aws:s3:::things-eu-central-1/*',
    });
    expect((await load(template)).outputs).toEqual(model.outputs);
  });

  it('shortens names that are too long for their service, and keeps them apart', async () => {
    const long = 'L'.repeat(100);
    const model = await load({
      Resources: { [`${long}1`]: resource('AWS::S3::Bucket'), [`${long}2`]: resource('AWS::S3::Bucket') },
    });
    const names = model.of(bucket).map(({ ref }) => ref);
    expect(names.map((name) => name.length)).toEqual([63, 63]);
    expect(new Set(names).size).toBe(2);
  });

  it('leaves out what its condition leaves out', async () => {
    const model = await load({
      Conditions: { Never: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'nowhere'] } },
      Parameters: { Size: { Type: 'String', Default: 'large' } },
      Resources: { A: resource('AWS::SQS::Queue'), B: resource('AWS::Nobody::Knows', {}, { Condition: 'Never' }) },
      Outputs: { Size: { Value: { Ref: 'Size' } }, B: { Value: 'b', Condition: 'Never' } },
    });
    expect(model.of(queue)).toHaveLength(1);
    expect(model.outputs).toEqual({ Size: 'large' });
  });

  it('lists what is inert with the reason', async () => {
    const model = await load({ Resources: { Alarm: resource('AWS::CloudWatch::Alarm', { Anything: 'goes' }) } });
    expect(model.inert).toEqual([
      { logicalId: 'Alarm', type: 'AWS::CloudWatch::Alarm', reason: expect.stringMatching(/metrics/) },
    ]);
  });

  it('knows the resources of the services that it models', async () => {
    const model = await load({
      Resources: {
        Table: resource('AWS::DynamoDB::GlobalTable', {
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
          BillingMode: 'PAY_PER_REQUEST',
          Replicas: [{ Region: { Ref: 'AWS::Region' }, PointInTimeRecoverySpecification: {} }],
        }),
        Function: resource('AWS::Lambda::Function', {
          Code: { S3Bucket: 'b', S3Key: 'abc.zip' },
          Handler: 'index.handler',
          Runtime: 'nodejs24.x',
          Role: 'arn',
          Environment: { Variables: { TABLE: { Ref: 'Table' } } },
        }),
        Schedule: resource('AWS::Scheduler::Schedule', {
          ScheduleExpression: 'rate(1 hour)',
          FlexibleTimeWindow: { Mode: 'OFF' },
          Target: { Arn: { 'Fn::GetAtt': ['Function', 'Arn'] }, RoleArn: 'arn' },
        }),
      },
    });
    expect(model.of(globalTable)).toHaveLength(1);
    expect(model.of(lambdaFunction)[0]?.properties).toMatchObject({
      MemorySize: 128,
      Timeout: 3,
      Environment: { Variables: { TABLE: 'Stack-Table' } },
    });
    expect(model.of(schedule)[0]?.properties.Target.Arn).toMatch(/:function:Stack-Function$/);
    expect(model.of(distribution)).toEqual([]);
  });
});

describe('what is not modelled', () => {
  const fails = async (resources: object, code: string, message: RegExp): Promise<void> => {
    await expect(load({ Resources: resources })).rejects.toMatchObject({
      name: 'AssemblyError',
      code,
      message: expect.stringMatching(message),
    });
  };

  it('is named: the type', () =>
    fails({ Stream: resource('AWS::Kinesis::Stream') }, 'unmodelled-resource', /Stream: .*AWS::Kinesis::Stream/));

  it('is named: the property, at any depth', async () => {
    await fails(
      { B: resource('AWS::S3::Bucket', { WebsiteConfiguration: {} }) },
      'unmodelled-property',
      /B \(AWS::S3::Bucket\): WebsiteConfiguration is not modelled/,
    );
    await fails(
      {
        T: resource('AWS::DynamoDB::Table', {
          AttributeDefinitions: [],
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH', Extra: 1 }],
        }),
      },
      'unmodelled-property',
      /KeySchema\.0\.Extra is not modelled/,
    );
  });

  it('is named: the value', async () => {
    const table = { AttributeDefinitions: [], KeySchema: [], BillingMode: 'PROVISIONED' };
    await fails(
      { T: resource('AWS::DynamoDB::Table', table) },
      'unmodelled-property',
      /BillingMode .*"PAY_PER_REQUEST"/,
    );
    const replicas = { AttributeDefinitions: [], KeySchema: [], Replicas: [{ Region: 'a' }, { Region: 'b' }] };
    await fails(
      { T: resource('AWS::DynamoDB::GlobalTable', replicas) },
      'unmodelled-property',
      /Replicas must be one replica/,
    );
    const python = { Code: { S3Bucket: 'b', S3Key: 'k' }, Handler: 'h', Role: 'r', Runtime: 'python3.13' };
    await fails({ F: resource('AWS::Lambda::Function', python) }, 'unmodelled-property', /Runtime .*"nodejs24\.x"/);
  });

  it('is named: references and attributes', async () => {
    const at = (value: unknown) => ({ Q: resource('AWS::SQS::Queue', { QueueName: value }) });
    await fails(at({ Ref: 'Nobody' }), 'unresolved', /no resource or parameter Nobody/);
    await fails(at({ Ref: 'Q' }), 'unresolved', /Q is named by itself/);
    await fails(
      { ...at({ 'Fn::GetAtt': ['B', 'WebsiteURL'] }), B: resource('AWS::S3::Bucket') },
      'unresolved',
      /B\.WebsiteURL: AWS::S3::Bucket has no attribute WebsiteURL/,
    );
  });
});
