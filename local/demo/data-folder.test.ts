import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openDataFolder } from './data-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbroker-data-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the data folder', () => {
  it('is made, kept, and emptied only when asked', async () => {
    const data = join(folder, 'a', 'b');
    (await openDataFolder(data)).release();
    mkdirSync(join(data, 'stack'));
    writeFileSync(join(data, 'stack', 'x'), '');
    (await openDataFolder(data)).release();
    expect(existsSync(join(data, 'stack', 'x'))).toBe(true);
    const opened = await openDataFolder(data);
    await opened.empty();
    opened.release();
    expect(existsSync(join(data, 'stack'))).toBe(false);
    (await openDataFolder(data)).release();
  });

  it('belongs to one process at a time, and says how to name another', async () => {
    const data = join(folder, 'taken');
    const opened = await openDataFolder(data);
    await expect(openDataFolder(data)).rejects.toMatchObject({
      code: 'data-in-use',
      message: expect.stringMatching(/taken is in use by another npm start.*--data FOLDER/),
    });
    opened.release();
    (await openDataFolder(data)).release();
  });

  it('is never a folder with somebody else’s files, nor a file', async () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'thesis.txt'), '');
    for (const path of [home, join(home, 'thesis.txt'), join(home, 'thesis.txt', 'below')]) {
      await expect(openDataFolder(path)).rejects.toMatchObject({
        code: 'not-our-folder',
        message: expect.stringContaining('--data'),
      });
    }
    expect(existsSync(join(home, 'thesis.txt'))).toBe(true);
  });
});
