import { expect, it } from 'vitest';
import { microsoftRootsPem } from '#shared/authenticode/index.ts';
import { testRootPem } from '#test/kit/signed-index.ts';
import { functionEnvironment } from './environment.ts';

type Resource = Parameters<typeof functionEnvironment>[0];
type Options = Parameters<typeof functionEnvironment>[1];

function environmentOf(variables: Readonly<Record<string, string>>, upstream: Partial<Options['upstream']> = {}) {
  const resource = {
    ref: 'probe',
    properties: {
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      MemorySize: 128,
      Environment: { Variables: variables },
    },
  } as unknown as Resource;
  return functionEnvironment(resource, {
    region: 'eu-west-1',
    endpoints: { s3: '', dynamodb: '', sqs: '', lambda: '', secretsManager: '', kms: '', eventBridge: '' },
    upstream: { connect: {}, caFile: '', ...upstream },
    credentials: { accessKeyId: '', secretAccessKey: '' },
    codeDir: '',
    temporaryDir: '',
    speed: 60,
    localise: (text) => text,
  });
}
it('shortens what is kept by the speed of the stack', () => {
  expect(environmentOf({ SETTINGS_KEEP_SECONDS: '90', REQUEUE_AFTER_SECONDS: '90' })).toMatchObject({
    SETTINGS_KEEP_SECONDS: '1.5',
    REQUEUE_AFTER_SECONDS: '90',
  });
});

const indexTrust = (addedRootsPem: string) => ({
  rootsPem: addedRootsPem + microsoftRootsPem,
  addedRootsPem,
  allowSha1: true,
  allowSinglePackage: true,
});

it('is refused above the size that Lambda takes, with its size and the variable that is to blame', () => {
  expect(environmentOf({ SMALL: 'x', LARGE: 'x'.repeat(4000) })).toMatchObject({ SMALL: 'x' });
  expect(() => environmentOf({ SMALL: 'x', LARGE: 'x'.repeat(4080) })).toThrow(
    /environment of probe has 4\d\d\d bytes, and Lambda takes 4096; the largest variable is LARGE/,
  );
});

it('of a function that reads an index brings the trust of the stand-in, as far as Lambda would take it', () => {
  const own = { INDEX_URL: 'https://download.windowsupdate.com/x' };
  expect(environmentOf(own, { indexTrust: indexTrust(testRootPem) })).toMatchObject({
    INDEX_ROOTS: testRootPem,
    INDEX_ALLOW_SHA1: 'true',
    INDEX_ALLOW_SINGLE_PACKAGE: 'true',
  });
  expect(environmentOf({}, { indexTrust: indexTrust(testRootPem) })).not.toHaveProperty('INDEX_ROOTS');
  expect(() => environmentOf(own, { indexTrust: indexTrust(microsoftRootsPem) })).toThrow(/INDEX_ROOTS/);
});
