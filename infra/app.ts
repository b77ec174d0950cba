/**
 * Synthesizes the stack: `npx cdk synth` runs this file, and `node infra/app.ts` alone does the same. The folder of
 * the assembly is the argument, else CDK_OUTDIR, else cdk.json's. The assembly holds copies of the bundles, so that it
 * can be moved and runs can go on at the same time. What the deployment must know beside the sources is in
 * kbroker.config.json (kit/deployment.ts).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerStack } from './broker-stack.ts';
import { bundleFunctions } from './kit/bundle.ts';
import { createCdkApp } from './kit/cdk-app.ts';
import { DeploymentError, readDeployment } from './kit/deployment.ts';
import type { RepositoryKey } from './stores/cookies.ts';

/** The key of the repository; without one there is nothing to synthesize, and one line says what to do. */
function repositoryKey(): RepositoryKey {
  try {
    const { publicKeys, secretArn } = readDeployment().repositoryKey;
    return { publicKeysPem: publicKeys, secretArn };
  } catch (error) {
    if (!(error instanceof DeploymentError)) throw error;
    process.stderr.write(`kbroker: ${error.message}\n`);
    process.exit(1);
  }
}

const key = repositoryKey();
const [outDir] = process.argv.slice(2);
const bundleDir = mkdtempSync(join(tmpdir(), 'kbroker-bundles-'));
try {
  await bundleFunctions({ outDir: bundleDir });
  const app = createCdkApp(outDir === undefined ? {} : { outDir });
  new BrokerStack(app, 'KBroker', { bundleDir, repositoryKey: key });
  app.synth();
} finally {
  rmSync(bundleDir, { recursive: true, force: true });
}
