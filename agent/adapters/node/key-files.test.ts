import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyStoreContract } from '../../ports/key-store-contract-suite.ts';
import { openKeyFiles } from './key-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-keys-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const keys = () => openKeyFiles(join(folder, 'keys'));
keyStoreContract({ name: 'files', prepare: () => Promise.resolve(), open: keys });

const fileOf = (thumbprint: string): string => join(folder, 'keys', `${thumbprint}.pem`);

describe.skipIf(process.platform === 'win32')('files of keys', () => {
  it('have rights for their owner only, and leave nothing else behind', async () => {
    const { thumbprint } = await keys().create();
    expect((await stat(fileOf(thumbprint))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'keys'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, 'keys'))).toEqual([`${thumbprint}.pem`]);
  });

  it.each(['640', '604', '620'])('are refused with the mode %s', async (mode) => {
    const { thumbprint } = await keys().create();
    await chmod(fileOf(thumbprint), Number.parseInt(mode, 8));
    await expect(keys().open(thumbprint)).rejects.toMatchObject({
      code: 'bad-key',
      message: expect.stringContaining(`has the mode ${mode}, allowed is 600`),
    });
  });

  it('are refused when they are damaged, on another curve, or another key', async () => {
    const { thumbprint } = await keys().create();
    const other = await keys().create();
    await rename(fileOf(other.thumbprint), fileOf(thumbprint));
    await expect(keys().open(thumbprint)).rejects.toMatchObject({
      code: 'bad-key',
      message: expect.stringContaining('holds another key'),
    });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const wrong = privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const text of ['-----BEGIN PRIVATE KEY-----\n', wrong]) {
      await writeFile(fileOf(thumbprint), text);
      await expect(keys().open(thumbprint)).rejects.toMatchObject({
        code: 'bad-key',
        message: expect.stringContaining('is no key of a host'),
      });
    }
  });
});
