import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { localRepositoryKey } from '#local/repository-key.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder of the synthesized assembly that all stories run. */
    assemblyDir: string;
    /** Secrets that were there before that stack: the private half of the repository's key, by ARN. */
    repositorySecrets: Readonly<Record<string, string>>;
  }
}

/** Bundles the functions and synthesizes the stack once for all stories: they run what would be deployed. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'kbroker-assembly-'));
  const run = promisify(execFile);
  await run(process.execPath, ['infra/kit/bundle.ts']);
  const keyFolder = await mkdtemp(join(tmpdir(), 'kbroker-repository-key-'));
  const key = await localRepositoryKey(keyFolder);
  const env = { ...process.env, CDK_OUTDIR: folder, KBROKER_CONFIG: key.configFile };
  await run(process.execPath, ['infra/app.ts'], { env });
  project.provide('assemblyDir', folder);
  project.provide('repositorySecrets', key.secrets);
  return async () => {
    await rm(folder, { recursive: true, force: true });
    await rm(keyFolder, { recursive: true, force: true });
  };
}
