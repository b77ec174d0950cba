import { spawn } from 'node:child_process';

/** Runs `npm start` to its end. @param stopWhen what it says when it is to be stopped, as by Ctrl-C */
export async function runStart(args: readonly string[], stopWhen?: RegExp) {
  const child = spawn(process.execPath, ['local/start.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr, stopped] = ['', '', false];
  // Once: at a second signal the process does not wait for anything.
  const stop = (): void => {
    if (stopped || !stopWhen?.test(stdout + stderr)) return;
    stopped = true;
    child.kill('SIGINT');
  };
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    stop();
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    stop();
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, stdout, stderr };
}
