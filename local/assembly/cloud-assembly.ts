/**
 * Reads what `cdk synth` wrote: manifest.json, the template of its one stack, and where its file assets lie.
 * Form: https://docs.aws.amazon.com/cdk/v2/guide/deploy-synth.html#deploy-synth-app
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { AssemblyError } from './error.ts';

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      environment: z.optional(z.string()),
      properties: z.optional(
        z.object({
          templateFile: z.optional(z.string()),
          stackName: z.optional(z.string()),
          file: z.optional(z.string()),
        }),
      ),
    }),
  ),
});

const assetsSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.optional(z.string()), packaging: z.optional(z.string()) }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

const resourceSchema = z.strictObject({
  Type: z.string(),
  Properties: z._default(z.record(z.string(), z.unknown()), {}),
  Condition: z.optional(z.string()),
  // How CloudFormation orders, keeps and describes resources says nothing of how they behave.
  DependsOn: z.optional(z.unknown()),
  DeletionPolicy: z.optional(z.unknown()),
  UpdateReplacePolicy: z.optional(z.unknown()),
  Metadata: z.optional(z.unknown()),
});

const templateSchema = z.strictObject({
  Resources: z.record(z.string(), resourceSchema),
  Outputs: z._default(z.record(z.string(), z.object({ Value: z.unknown(), Condition: z.optional(z.string()) })), {}),
  Parameters: z._default(z.record(z.string(), z.object({ Default: z.optional(z.unknown()) })), {}),
  Conditions: z._default(z.record(z.string(), z.unknown()), {}),
  // Rules check parameters at deployment; the only one that the CDK writes asks for the version of its bootstrap stack.
  Rules: z.optional(z.unknown()),
  Description: z.optional(z.string()),
  Metadata: z.optional(z.unknown()),
  AWSTemplateFormatVersion: z.optional(z.string()),
});

type Template = z.infer<typeof templateSchema>;

export interface CloudAssembly {
  readonly stackName: string;
  /** Region of the stack; undefined when it is left to the deployment. */
  readonly region: string | undefined;
  readonly template: Template;
  /** Absolute folder or file of each asset by the object key that the template names. */
  readonly assets: ReadonlyMap<string, string>;
}

async function readJson<S extends z.ZodMiniType>(schema: S, path: string): Promise<z.infer<S>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AssemblyError('bad-assembly', `cannot read ${path}: is this the output of \`cdk synth\`?`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AssemblyError('bad-assembly', `${path} is not JSON`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new AssemblyError('bad-assembly', `${path}: ${describeIssues(parsed.error.issues)}`, { cause: parsed.error });
  }
  return parsed.data;
}

/** One line that names each place and what is wrong there. */
export function describeIssues(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .map((issue) => {
      const path = issue.path.map(String).join('.');
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => `${path === '' ? key : `${path}.${key}`} is not modelled`).join('; ');
      }
      const allowed =
        issue.code === 'invalid_value'
          ? `is none of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
          : issue.code === 'invalid_type'
            ? `is no ${issue.expected}`
            : issue.message;
      return `${path === '' ? 'it' : path} ${allowed}`;
    })
    .join('; ');
}

/**
 * @param directory output folder of `cdk synth`
 * @throws AssemblyError `bad-assembly` when it does not hold exactly one stack, or a file of it cannot be read
 */
export async function readCloudAssembly(directory: string): Promise<CloudAssembly> {
  const root = resolve(directory);
  const manifest = await readJson(manifestSchema, join(root, 'manifest.json'));
  const artifacts = Object.entries(manifest.artifacts);
  const stacks = artifacts.filter(([, artifact]) => artifact.type === 'aws:cloudformation:stack');
  const [stack] = stacks;
  if (stack === undefined || stacks.length > 1) {
    const names = stacks.map(([name]) => name).join(', ') || 'none';
    throw new AssemblyError('bad-assembly', `${root} must hold exactly one stack, it holds: ${names}`);
  }
  const [id, { environment, properties }] = stack;
  if (properties?.templateFile === undefined) {
    throw new AssemblyError('bad-assembly', `stack ${id} in ${root}/manifest.json names no template file`);
  }
  const assets = new Map<string, string>();
  for (const [, artifact] of artifacts) {
    if (artifact.type !== 'cdk:asset-manifest' || artifact.properties?.file === undefined) continue;
    const { files } = await readJson(assetsSchema, join(root, artifact.properties.file));
    for (const { source, destinations } of Object.values(files)) {
      if (source.path === undefined) continue;
      for (const { objectKey } of Object.values(destinations)) assets.set(objectKey, resolve(root, source.path));
    }
  }
  // aws://<account>/<region>, with unknown-account or unknown-region where the deployment decides.
  const region = environment?.split('/').at(-1);
  return {
    stackName: properties.stackName ?? id,
    region: region === undefined || region === 'unknown-region' ? undefined : region,
    template: await readJson(templateSchema, join(root, properties.templateFile)),
    assets,
  };
}
