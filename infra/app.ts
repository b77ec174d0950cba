/**
 * Synthesizes the stack: `npx cdk synth` runs this file, and `node infra/app.ts` alone does the same. The folder of
 * the assembly is the argument, else CDK_OUTDIR, else cdk.json's.
 */
import { BrokerStack } from './broker-stack.ts';
import { bundleFunctions } from './kit/bundle.ts';
import { createCdkApp } from './kit/cdk-app.ts';

const [outDir] = process.argv.slice(2);
const { outDir: bundleDir } = await bundleFunctions();
const app = createCdkApp(outDir === undefined ? {} : { outDir });
new BrokerStack(app, 'KBroker', { bundleDir });
app.synth();
