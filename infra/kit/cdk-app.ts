import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import * as z from 'zod/mini';
import { projectDir } from './paths.ts';

const cdkJson = z.object({ output: z.string(), context: z.record(z.string(), z.unknown()) });

export interface CdkAppOptions {
  /**
   * Folder of the cloud assembly.
   *
   * @default - the variable CDK_OUTDIR, which the CDK's command line sets; else the `output` of cdk.json
   */
  readonly outDir?: string;
  /**
   * More context, on top of cdk.json's.
   *
   * @default - none
   */
  readonly context?: Readonly<Record<string, unknown>>;
  /**
   * Checks the template against CloudFormation's schemas, which takes some seconds.
   *
   * @default true
   */
  readonly checkSchemas?: boolean;
}

/**
 * Makes the CDK app with the context of cdk.json. Only the CDK's command line hands that context over by itself: an
 * app started by a test or by `node infra/app.ts` would run without the feature flags and make another template.
 */
export function createCdkApp(options: CdkAppOptions = {}): App {
  const settings = cdkJson.parse(JSON.parse(readFileSync(join(projectDir, 'cdk.json'), 'utf8')));
  return new App({
    outdir: options.outDir ?? process.env.CDK_OUTDIR ?? join(projectDir, settings.output),
    // Two more keys that the command line sets by default: they put the construct path and the asset folder in the
    // metadata of the template.
    context: {
      'aws:cdk:enable-path-metadata': true,
      'aws:cdk:enable-asset-metadata': true,
      ...settings.context,
      ...options.context,
    },
    analyticsReporting: false,
    builtinCloudFormationValidation: options.checkSchemas ?? true,
    // The caller synthesizes, so that a failure is an exception there and not an event at the end of the process.
    autoSynth: false,
  });
}
