import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from 'aws-cdk-lib';
import * as z from 'zod/mini';
import { BrokerStack } from '../broker-stack.ts';
import type { BrokerStackProps } from '../broker-stack-props.ts';
import { createCdkApp } from '../kit/cdk-app.ts';
import { functionsDir } from '../kit/paths.ts';
import { testDeployment } from './repository-key.ts';

/** What the tests read of a CloudFormation template. */
const template = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z.optional(z.record(z.string(), z.unknown())),
      DeletionPolicy: z.optional(z.string()),
      UpdateReplacePolicy: z.optional(z.string()),
      Metadata: z.optional(z.record(z.string(), z.unknown())),
    }),
  ),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })),
});
type Template = z.infer<typeof template>;

export interface Resource {
  readonly id: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly deletionPolicy: string | undefined;
  readonly updateReplacePolicy: string | undefined;
}

/** A synthesized stack, in a temporary folder that {@link Synthesized.remove} deletes. */
export interface Synthesized {
  readonly app: App;
  readonly stack: BrokerStack;
  readonly template: Template;
  /** The whole of it, as it was written. */
  readonly rawTemplate: unknown;
  ofType(...types: string[]): readonly Resource[];
  remove(): void;
}

const { publicKeys, secretArn } = testDeployment.repositoryKey;
const testRepositoryKey = { publicKeysPem: publicKeys, secretArn };

/** Temporary folder, and in it a folder with a one-line module for each function. The template does not depend on code. */
function bundlesForTests(): { readonly dir: string; readonly bundleDir: string } {
  const dir = mkdtempSync(join(tmpdir(), 'kbroker-infra-'));
  for (const entry of readdirSync(functionsDir, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    mkdirSync(join(dir, 'bundles', entry.name), { recursive: true });
    writeFileSync(join(dir, 'bundles', entry.name, 'index.mjs'), `export const handler = () => '${entry.name}';\n`);
  }
  return { dir, bundleDir: join(dir, 'bundles') };
}

export function synthesize(props: Partial<Omit<BrokerStackProps, 'bundleDir'>> = {}): Synthesized {
  const { dir, bundleDir } = bundlesForTests();
  // The schemas are checked where the app itself is run (app.test.ts).
  const app = createCdkApp({ outDir: join(dir, 'cdk.out'), checkSchemas: false });
  const stack = new BrokerStack(app, 'KBroker', { bundleDir, repositoryKey: testRepositoryKey, ...props });
  app.synth();
  const rawTemplate: unknown = JSON.parse(readFileSync(join(dir, 'cdk.out/KBroker.template.json'), 'utf8'));
  const read = template.parse(rawTemplate);
  return {
    app,
    stack,
    template: read,
    rawTemplate,
    ofType: (...types) =>
      Object.entries(read.Resources)
        .filter(([, resource]) => types.includes(resource.Type))
        .map(([id, resource]) => ({
          id,
          type: resource.Type,
          properties: resource.Properties ?? {},
          deletionPolicy: resource.DeletionPolicy,
          updateReplacePolicy: resource.UpdateReplacePolicy,
        })),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
