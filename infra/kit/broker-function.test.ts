import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { BrokerFunction } from './broker-function.ts';
import { createCdkApp } from './cdk-app.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kbroker-function-'));
  mkdirSync(join(dir, 'bundles/count-things'), { recursive: true });
  writeFileSync(join(dir, 'bundles/count-things/index.mjs'), 'export const handler = () => 1;\n');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function functionInAnApp() {
  const app = createCdkApp({ outDir: join(dir, 'cdk.out'), checkSchemas: false });
  const fn = new BrokerFunction(new Stack(app, 'Test'), 'CountThings', {
    name: 'count-things',
    description: 'Counts things',
    env: z.object({ THINGS_TABLE: z.string(), THINGS_BUCKET: z.string() }),
    bundleDir: join(dir, 'bundles'),
    memoryMiB: 128,
    timeout: Duration.seconds(3),
    logRetention: RetentionDays.ONE_WEEK,
    notify: [],
  });
  return { app, fn };
}

describe('the environment of a function', () => {
  test('must be whole, or the synthesis fails and names function and key', () => {
    const { app, fn } = functionInAnApp();
    fn.bind({ THINGS_TABLE: 'things' });
    expect(() => app.synth()).toThrow(/count-things: nothing in the stack gives THINGS_BUCKET a value/);
  });

  test('must not hold what the function does not ask for', () => {
    const { app, fn } = functionInAnApp();
    fn.bind({ THINGS_TABLE: 'things', THINGS_BUCKET: 'b', OTHER_TABLE: 'o' });
    expect(() => app.synth()).toThrow(/count-things: the stack gives OTHER_TABLE a value/);
  });

  test('is whole when all is bound; the same value may be bound twice', () => {
    const { app, fn } = functionInAnApp();
    fn.bind({ THINGS_TABLE: 'things', THINGS_BUCKET: 'b' });
    fn.bind({ THINGS_TABLE: 'things' });
    expect(() => app.synth()).not.toThrow();
  });

  test('has one value for a key', () => {
    const { fn } = functionInAnApp();
    fn.bind({ THINGS_TABLE: 'things' });
    expect(() => fn.bind({ THINGS_TABLE: 'others' })).toThrow(/THINGS_TABLE is bound to two values/);
  });
});
