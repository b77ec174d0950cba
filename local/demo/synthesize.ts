import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DemoError } from './demo-error.ts';

/**
 * Synthesizes the CDK stack into the folder, bundling the functions on the way, in a process of its own: what runs here
 * is the artefact that would be deployed.
 *
 * @param configFile what `kbroker setup keys` would have written
 * @throws DemoError `synthesis-failed` with what the process said; `stopped` by the signal
 */
export async function synthesize(folder: string, configFile: string, stop: AbortSignal): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const app = fileURLToPath(new URL('../../infra/app.ts', import.meta.url));
  const child = spawn(process.execPath, [app], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, CDK_OUTDIR: folder, KBROKER_CONFIG: configFile },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: stop,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      said += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    // Stopped, it ends with an error first; what counts then is that it is gone.
    child.once('error', (error) => (stop.aborted ? undefined : reject(error)));
    child.once('close', resolve);
  });
  if (stop.aborted) throw new DemoError('stopped', 'stopped before the end');
  if (code !== 0) throw new DemoError('synthesis-failed', `infra/app.ts ended with ${code}:\n${said.slice(-4000)}`);
}
