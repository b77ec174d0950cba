import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signerContract } from './contract-suite.ts';
import { createKeyFile, openKeyFile } from './key-file.ts';

let folder: string;
let next = 0;
const newPath = (): string => join(folder, `${next++}.pem`);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-signing-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

signerContract('a key file', async () => {
  const path = newPath();
  await createKeyFile(path);
  return openKeyFile(path);
});

describe('a key file', () => {
  it('is readable by its owner only, and never overwritten', async () => {
    const path = newPath();
    await createKeyFile(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const before = await readFile(path, 'utf8');
    await expect(createKeyFile(path)).rejects.toMatchObject({
      code: 'bad-key',
      message: expect.stringContaining(path),
    });
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  it('that others can read is refused', async () => {
    const path = newPath();
    await createKeyFile(path);
    await chmod(path, 0o640);
    await expect(openKeyFile(path)).rejects.toMatchObject({
      code: 'bad-key',
      message: expect.stringContaining('mode 640, allowed is 600'),
    });
  });

  it('that is not there, or holds something else, is refused with what it holds', async () => {
    await expect(openKeyFile(newPath())).rejects.toMatchObject({ code: 'not-found' });
    const other = newPath();
    const { privateKey } = generateKeyPairSync('ed25519');
    await writeFile(other, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await expect(openKeyFile(other)).rejects.toMatchObject({
      code: 'bad-key',
      message: expect.stringContaining('ed25519, allowed is a key on P-256'),
    });
    const text = newPath();
    await writeFile(text, 'no key', { mode: 0o600 });
    await expect(openKeyFile(text)).rejects.toMatchObject({ code: 'bad-key' });
  });
});
