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
    await prepareDataFolder(data, true);
    mkdirSync(join(data, 'stack'));
    writeFileSync(join(data, 'stack', 'x'), '');
    await prepareDataFolder(data, false);
    expect(existsSync(join(data, 'stack', 'x'))).toBe(true);
    await prepareDataFolder(data, true);
    expect(existsSync(join(data, 'stack'))).toBe(false);
    await prepareDataFolder(data, true);
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
