import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { prepareDataFolder } from './data-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbroker-data-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the data folder', () => {
  it('is made, kept, and emptied only when asked', async () => {
    const data = join(folder, 'a', 'b');
    (await prepareDataFolder(data, true)).release();
    mkdirSync(join(data, 'stack'));
    writeFileSync(join(data, 'stack', 'x'), '');
    (await prepareDataFolder(data, false)).release();
    expect(existsSync(join(data, 'stack', 'x'))).toBe(true);
    (await prepareDataFolder(data, true)).release();
    expect(existsSync(join(data, 'stack'))).toBe(false);
    (await prepareDataFolder(data, true)).release();
  });

  it('belongs to one process at a time, and is not emptied under another', async () => {
    const data = join(folder, 'taken');
    const lock = await prepareDataFolder(data, false);
    writeFileSync(join(data, 'x'), '');
    await expect(prepareDataFolder(data, true)).rejects.toMatchObject({ code: 'data-in-use' });
    expect(existsSync(join(data, 'x'))).toBe(true);
    lock.release();
    (await prepareDataFolder(data, true)).release();
    expect(existsSync(join(data, 'x'))).toBe(false);
  });

  it('is never a folder with somebody else’s files', async () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'thesis.txt'), '');
    for (const fresh of [false, true]) {
      await expect(prepareDataFolder(home, fresh)).rejects.toMatchObject({ code: 'not-our-folder' });
    }
    expect(existsSync(join(home, 'thesis.txt'))).toBe(true);
  });
});
