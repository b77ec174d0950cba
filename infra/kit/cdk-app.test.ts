import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FeatureFlags } from 'aws-cdk-lib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createCdkApp } from './cdk-app.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kbroker-cdk-app-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

describe('createCdkApp', () => {
  test('has the feature flags of cdk.json without the CDK’s command line', () => {
    const app = createCdkApp({ outDir: join(dir, 'out') });
    expect(FeatureFlags.of(app).isEnabled('@aws-cdk/aws-iam:minimizePolicies')).toBe(true);
    expect(app.node.tryGetContext('aws:cdk:enable-asset-metadata')).toBe(true);
  });

  test('adds context on top', () => {
    const app = createCdkApp({ outDir: join(dir, 'out'), context: { '@aws-cdk/aws-iam:minimizePolicies': false } });
    expect(FeatureFlags.of(app).isEnabled('@aws-cdk/aws-iam:minimizePolicies')).toBe(false);
  });

  test('writes to the folder it is given, else to CDK_OUTDIR', () => {
    vi.stubEnv('CDK_OUTDIR', join(dir, 'from-environment'));
    expect(createCdkApp({ outDir: join(dir, 'given') }).outdir).toBe(join(dir, 'given'));
    expect(createCdkApp().outdir).toBe(join(dir, 'from-environment'));
  });
});
