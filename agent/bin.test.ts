import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

it('ends quietly when nobody reads what it prints', async () => {
  const child = spawn(process.execPath, [resolve('agent/bin.ts'), '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += String(chunk);
  });
  const [exitCode, signal] = await once(child, 'close');
  expect({ exitCode, signal, stderr }).toEqual({ exitCode: 0, signal: null, stderr: '' });
});

it.skipIf(process.platform !== 'linux')('says in one line that what it prints cannot be written', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [resolve('agent/bin.ts'), '--help'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += String(chunk);
  });
  const [exitCode] = await once(child, 'close');
  expect(stderr).toMatch(/^kbroker-agent: the output cannot be written: ENOSPC[^\n]*\n$/);
  expect(exitCode).toBe(3);
});
