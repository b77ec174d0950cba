import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder of the synthesized assembly that all stories run. */
    assemblyDir: string;
  }
}

/** Bundles the functions and synthesizes the stack once for all stories: they run what would be deployed. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'kbroker-assembly-'));
  const run = promisify(execFile);
  await run(process.execPath, ['infra/kit/bundle.ts']);
  await run(process.execPath, ['infra/app.ts'], { env: { ...process.env, CDK_OUTDIR: folder } });
  project.provide('assemblyDir', folder);
  return () => rm(folder, { recursive: true, force: true });
}
