import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { projectDir } from './kit/paths.ts';
import { testDeployment } from './testing/repository-key.ts';
import { synthesize } from './testing/synth.ts';

const run = promisify(execFile);

/** What a runner of the assembly follows from the template to the code. */
const assembly = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z.optional(
        z.looseObject({
          Code: z.optional(z.unknown()),
          Environment: z.optional(z.object({ Variables: z.record(z.string(), z.unknown()) })),
        }),
      ),
      Metadata: z.optional(z.looseObject({ 'aws:asset:path': z.optional(z.string()) })),
    }),
  ),
});

describe('node infra/app.ts', () => {
  let dir: string;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'kbroker-app-'));
    // Without the CDK's command line, as the local runner starts it.
    const { CDK_CONTEXT_JSON: _, ...env } = process.env;
    const KBROKER_CONFIG = join(dir, 'kbroker.config.json');
    writeFileSync(KBROKER_CONFIG, JSON.stringify(testDeployment));
    const own = { ...env, CDK_OUTDIR: dir, KBROKER_CONFIG };
    await run(process.execPath, ['infra/app.ts'], { cwd: projectDir, env: own });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const readTemplate = () => JSON.parse(readFileSync(join(dir, 'KBroker.template.json'), 'utf8'));
  const functions = () =>
    Object.entries(assembly.parse(readTemplate()).Resources)
      .filter(([, { Type }]) => Type === 'AWS::Lambda::Function')
      .map(([id, { Properties, Metadata }]) => ({
        id,
        assetDir: join(dir, String(Metadata?.['aws:asset:path'])),
        variables: Properties?.Environment?.Variables ?? {},
      }));

  test('writes an assembly whose functions point at their bundles', () => {
    expect(functions()).toHaveLength(9);
    for (const { assetDir } of functions()) {
      expect(readFileSync(join(assetDir, 'index.mjs'), 'utf8')).toMatch(/export\s*\{[^}]*\bhandler\b/);
      expect(existsSync(join(assetDir, 'index.mjs.map'))).toBe(true);
    }
  });

  test('gives each bundle the environment with which it loads, and no bundle loads without', async () => {
    const load = async (assetDir: string, env: Record<string, string>) => {
      const code = `const { handler } = await import('./index.mjs'); process.stdout.write(typeof handler)`;
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: assetDir, env });
      return stdout;
    };
    await Promise.all(
      functions().map(async ({ id, assetDir, variables }) => {
        // What CloudFormation fills in is a name, an ARN or an address; this passes for each of them.
        const env = Object.fromEntries(
          Object.entries(variables).map(([key, value]) => [
            key,
            typeof value === 'string' ? value : 'https://filled-in.example',
          ]),
        );
        // Lambda sets this one itself, whatever the template says.
        expect(await load(assetDir, { ...env, AWS_LAMBDA_FUNCTION_NAME: id }), id).toBe('function');
        await expect(load(assetDir, {}), id).rejects.toThrow(/EnvironmentError/);
      }),
    );
  });

  test.each([
    ['is not there', undefined, /there is no .*kbroker\.config\.json: run "npx kbroker setup keys" first/],
    ['is cut off', '{', /cannot be read: SyntaxError/],
    ['does not fit', '{"version":1}', /does not fit: repositoryKey/],
  ])('ends with one line when the file of the deployment %s', async (_, text, why) => {
    const folder = mkdtempSync(join(tmpdir(), 'kbroker-app-'));
    const KBROKER_CONFIG = join(folder, 'kbroker.config.json');
    if (text !== undefined) writeFileSync(KBROKER_CONFIG, text);
    const env = { ...process.env, CDK_OUTDIR: join(folder, 'out'), KBROKER_CONFIG };
    const failure: unknown = await run(process.execPath, ['infra/app.ts'], { cwd: projectDir, env }).catch(
      (error) => error,
    );
    rmSync(folder, { recursive: true, force: true });
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringMatching(why) });
    expect(z.object({ stderr: z.string() }).parse(failure).stderr.trim().split('\n')).toHaveLength(1);
  });

  test('makes the template that the tests read, but for the code', () => {
    const withoutCode = (template: unknown) => {
      const { Resources, ...rest } = z.looseObject({ Resources: assembly.shape.Resources }).parse(template);
      for (const { Properties, Metadata } of Object.values(Resources)) {
        delete Properties?.Code;
        delete Metadata?.['aws:asset:path'];
      }
      return { Resources, ...rest };
    };
    const synthesized = synthesize();
    try {
      expect(withoutCode(readTemplate())).toEqual(withoutCode(synthesized.rawTemplate));
    } finally {
      synthesized.remove();
    }
  });
});
