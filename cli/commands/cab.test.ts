import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markup, randomBytes } from '#shared/cabinet/testing/corpus.ts';
import { encodeCab, type MemberToEncode } from '#shared/cabinet/testing/encode.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { main } from '../main.ts';

// Longer than 300 lines, since the commands are tried on the same cabinets.
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-cab-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(args: readonly string[], isTTY = false) {
  const printed = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof printed) => ({
    isTTY: name === 'stderr' && isTTY,
    write: (text: string): void => {
      printed[name] += text;
    },
  });
  const exitCode = await main(['cab', ...args], { stdout: stream('stdout'), stderr: stream('stderr'), env: {} });
  return { exitCode, ...printed };
}

const member = (name: string, data: Uint8Array | string = `data of ${name}`): MemberToEncode => ({
  name,
  data: typeof data === 'string' ? new TextEncoder().encode(data) : data,
  modified: new Date('2026-07-14T13:54:06Z'),
});
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

async function write(name: string, cab: Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, cab);
  return file;
}

const members = [member('index.xml', markup(50_000, 1)), member('x\\1'), member('noise.bin', randomBytes(70_000, 2))];
const good = () => encodeCab({ members, compression: { lzx: 21 } });
/** The last byte of the last member is wrong. */
const bad = () => {
  const cab = encodeCab({ members, compression: 'stored' });
  cab[cab.length - 1] = (cab.at(-1) ?? 0) ^ 1;
  return cab;
};

describe('kbroker cab list', () => {
  it('prints what the file table names, and where it is packed', async () => {
    const file = await write('good.cab', good());
    const { exitCode, stdout, stderr } = await run(['list', file]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^50000 +2026-07-14 13:54:06 +LZX:21 +index\.xml$/m);
    expect(stdout).toMatch(/^3 members in 1 folders, cabinet of [\d.]+ kB$/m);
    expect(JSON.parse((await run(['list', file, '--json'])).stdout)).toMatchObject({
      folders: [{ compression: 'LZX:21', blocks: 4 }],
      members: [
        { name: 'index.xml', size: 50_000, offset: 0, modified: '2026-07-14T13:54:06.000Z' },
        { name: 'x\\1', size: 11, offset: 50_000 },
        { name: 'noise.bin', size: 70_000, folder: 0 },
      ],
    });
  });

  it('does not look at the data, and can list as many members as there may be', async () => {
    expect((await run(['list', await write('bad.cab', bad())])).exitCode).toBe(0);
    const many = Array.from({ length: 65_535 }, (_, i) => ({ name: `c\\${i}`, data: new Uint8Array(0) }));
    const { stdout } = await run([
      'list',
      await write('many.cab', encodeCab({ members: many, compression: 'stored' })),
    ]);
    expect(stdout.trimEnd().split('\n')).toHaveLength(65_537);
  });

  it('ends with one line on a file that is no cabinet', async () => {
    const file = await write('text.cab', Buffer.from('hello'.repeat(20)));
    const { exitCode, stdout, stderr } = await run(['list', file]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(`kbroker: ${file}: not a cabinet: it does not begin with "MSCF" (at byte 0 of the cabinet)\n`);
  });
});

describe('kbroker cab hash', () => {
  it('prints SHA-256 and name of each member in order', async () => {
    const { exitCode, stdout, stderr } = await run(['hash', await write('good.cab', good())]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(members.map(({ name, data }) => `${sha256(data)}  ${name}\n`).join(''));
  });

  it('prints the members that are right, then one line on stderr', async () => {
    const file = await write('bad.cab', bad());
    const { exitCode, stdout, stderr } = await run(['hash', file]);
    expect(exitCode).toBe(1);
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stderr).toMatch(
      /^kbroker: [^\n]*: noise\.bin: data block has checksum [^\n]* \(at byte \d+ of the cabinet\)\n$/,
    );
    const json = await run(['hash', '--json', file]);
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      members: [{ name: 'index.xml', size: 50_000 }, { name: 'x\\1' }],
      error: { code: 'bad-checksum', member: 'noise.bin', offset: expect.any(Number) },
    });
  });

  it('stops reading when nobody reads what it prints', async () => {
    const big = Array.from({ length: 4 }, (_, i) => member(`${i}.bin`, randomBytes(1_000_000, i)));
    const file = await write('closed.cab', encodeCab({ members: big, compression: 'stored' }));
    let out = '';
    const stdout = { write: (text: string) => (out += text), isClosed: true };
    expect(await main(['cab', 'hash', file], { stdout, stderr: { write: () => '' }, env: {} })).toBe(0);
    expect(out.split('\n').length).toBeLessThan(3);
    expect((await run(['hash', file])).stdout.trimEnd().split('\n')).toHaveLength(4);
  });

  it.each([
    ['absent.cab', /: no such file\n$/],
    ['.', /: is a folder, not a file\n$/],
  ])('says what is wrong with %s', async (name, expected) => {
    const { exitCode, stderr } = await run(['hash', join(folder, name)]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(expected);
  });

  it('lets no control character of a name reach the terminal', async () => {
    const file = await write('escape.cab', encodeCab({ members: [member('a\u001b[31m\nb')], compression: 'stored' }));
    expect((await run(['hash', file])).stdout).toMatch(/^[0-9a-f]{64} {2}a\\x1b\[31m\\x0ab\n$/);
  });

  it('shows its progress on a terminal when the file is big, and wipes it', async () => {
    const file = await write('big.cab', Buffer.concat([good(), Buffer.alloc(20_000_000)]));
    const { stderr } = await run(['hash', file], true);
    expect(stderr).toMatch(/reading 100 % of 20\.\d MB/);
    expect(stderr.endsWith('\r\u001b[K')).toBe(true);
    expect((await run(['hash', file])).stderr).toBe('');
  });
});

describe('kbroker cab extract', () => {
  it('writes the members with their times, and never over what is there', async () => {
    const to = join(folder, 'out', 'deep');
    const file = await write('good.cab', good());
    const { exitCode, stdout } = await run(['extract', file, '--to', to]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\n3 members extracted, 120\.0 kB\n$/);
    for (const { name, data } of members) {
      const path = join(to, ...name.split('\\'));
      expect(Buffer.compare(await readFile(path), data)).toBe(0);
      expect((await stat(path)).mtime).toEqual(new Date('2026-07-14T13:54:06Z'));
    }
    await writeFile(join(to, 'index.xml'), 'mine');
    const again = await run(['extract', file, '--to', to, '--json']);
    expect(again.exitCode).toBe(1);
    expect(JSON.parse(again.stdout).refused).toHaveLength(3);
    expect(again.stderr).toMatch(/: index\.xml: not extracted: there is such a file already\n/);
    expect(await readFile(join(to, 'index.xml'), 'utf8')).toBe('mine');
  });

  it('leaves no file of a member whose data are bad', async () => {
    const to = join(folder, 'partly');
    const { exitCode, stderr } = await run(['extract', await write('bad.cab', bad()), '--to', to]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/noise\.bin: data block has checksum/);
    expect((await readdir(to)).sort()).toEqual(['index.xml', 'x']);
  });

  it.each([
    ['\\etc\\passwd', /absolute/],
    ['/etc/passwd', /absolute/],
    ['\\\\server\\share\\x', /absolute/],
    ['..\\up', /the part "\.\."/],
    ['a/../../up', /the part "\.\."/],
    ['a\\.\\b', /the part "\."/],
    ['C:\\x', /drive letter/],
    ['c:x', /drive letter/],
    ['file:stream', /colon/],
    ['a\\\\b', /empty/],
    ['dir\\', /empty/],
    ['NUL', /device/],
    ['sub\\com1.txt', /device/],
    ['LPT¹', /device/],
    ['aux .xml', /device/],
    ['... ', /dot or a space/],
    ['a.\\b', /dot or a space/],
    ['bell\u0007', /control characters/],
    ['a?b', /the character "\?"/],
    ['dir<1>\\x', /the character "<"/],
    ['a|b', /the character "\|"/],
    ['a"b', /the character "["]"/],
    ['a*', /the character "\*"/],
  ])('refuses the name %j, and goes on with the others', async (name, reason) => {
    const to = join(folder, 'refused', String(Math.random()), 'to');
    const cab = encodeCab({ members: [member(name), member('fine.txt')], compression: 'mszip' });
    const { exitCode, stderr } = await run(['extract', await write('names.cab', cab), '--to', to]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^kbroker: [^\n]*: not extracted: [^\n]*\n$/);
    expect(stderr).toMatch(reason);
    expect(await readdir(join(to, '..'))).toEqual(['to']);
    expect(await readdir(to)).toEqual(['fine.txt']);
  });

  it('refuses a name of an old code page, whose bytes may be letters, and says so', async () => {
    const to = join(folder, 'code-page');
    const cab = encodeCab({ members: [member('Gr?n.txt'), member('fine.txt')], compression: 'stored' });
    // "Grün" as code page 850 has it, without the attribute that says UTF-8.
    cab[Buffer.from(cab.buffer, cab.byteOffset, cab.byteLength).indexOf('Gr?n') + 2] = 0x81;
    const { exitCode, stderr } = await run(['extract', await write('cp850.cab', cab), '--to', to]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/Gr\\x81n\.txt: not extracted: its name is in an unknown code page\n$/);
    expect(await readdir(to)).toEqual(['fine.txt']);
  });

  it('refuses a name that is longer in UTF-8 than a file may have it', async () => {
    const to = join(folder, 'long');
    const cab = encodeCab({ members: [member('?'.repeat(200)), member('fine.txt')], compression: 'stored' });
    const at = Buffer.from(cab.buffer, cab.byteOffset, cab.byteLength).indexOf('???');
    // 200 times "ä" in Latin-1, which is 400 bytes of UTF-8.
    cab.fill(0xe4, at, at + 200);
    const { exitCode, stderr } = await run(['extract', await write('long.cab', cab), '--to', to]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/ä: not extracted: a part of its path is longer than 255 bytes\n$/);
    expect(await readdir(to)).toEqual(['fine.txt']);
  });

  it('refuses a member that the system does not take, and goes on with the others', async () => {
    // No part of the paths is too long, and the whole of them with the folder is.
    const to = join(folder, 'deep', ...Array.from({ length: 16 }, () => 'd'.repeat(249)));
    await mkdir(to, { recursive: true });
    const names = ['x'.repeat(150), `${'y'.repeat(150)}\\z`, 'fine'];
    const cab = encodeCab({ members: names.map((name) => member(name)), compression: 'stored' });
    const { exitCode, stderr } = await run(['extract', await write('deep.cab', cab), '--to', to]);
    expect(exitCode).toBe(1);
    expect(stderr.match(/not extracted: [^\n]*ENAMETOOLONG/g)).toHaveLength(2);
    expect(await readdir(to)).toEqual(['fine']);
  });

  it('tells a full disk as an error of what is written, not of the cabinet', async () => {
    const to = join(folder, 'full');
    await mkdir(to);
    // A limit of the process on the length of files stands for the disk: 20 blocks of 512 bytes.
    const file = await write('good.cab', good());
    const code = `
      import { main } from ${JSON.stringify(new URL('../main.ts', import.meta.url).href)};
      const io = { stdout: process.stdout, stderr: process.stderr, env: {} };
      process.exitCode = await main(['cab', 'extract', ${JSON.stringify(file)}, '--to', ${JSON.stringify(to)}], io);`;
    const limited = spawnSync(
      '/bin/sh',
      ['-c', 'ulimit -f 20; trap "" XFSZ; exec "$0" --input-type=module -e "$1"', process.execPath, code],
      { encoding: 'utf8' },
    );
    expect(limited).toMatchObject({
      status: 1,
      stderr: `kbroker: ${join(to, 'index.xml')}: cannot be written: EFBIG\n`,
    });
    expect(await readdir(to)).toEqual([]);
  });

  it('follows no links in the folder', async () => {
    const [to, elsewhere] = [join(folder, 'links'), join(folder, 'elsewhere')];
    await mkdir(to);
    await mkdir(elsewhere);
    await symlink(elsewhere, join(to, 'dir'));
    await symlink(join(elsewhere, 'file'), join(to, 'file'));
    await writeFile(join(to, 'plain'), '');
    const names = ['dir\\x', 'file', 'plain\\x'];
    const cab = encodeCab({ members: names.map((name) => member(name)), compression: 'stored' });
    const { exitCode, stderr } = await run(['extract', await write('links.cab', cab), '--to', to]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/dir\\x: not extracted: \S*dir is a link\n/);
    expect(stderr).toMatch(/file: not extracted: there is such a file already\n/);
    expect(stderr).toMatch(/plain\\x: not extracted: \S*plain is no folder\n/);
    expect(await readdir(elsewhere)).toEqual([]);
  });

  it('ends with one line when the target is no folder, or cannot be made', async () => {
    const file = await write('good.cab', good());
    expect(await run(['extract', file, '--to', file])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `kbroker: --to ${file}: it is a file, not a folder\n`,
    });
    const below = join(file, 'below');
    expect(await run(['extract', file, '--to', below])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `kbroker: --to ${below}: the folder cannot be made: ENOTDIR\n`,
    });
  });
});

describe.skipIf(!haveSamples)('kbroker cab hash of real cabinets', () => {
  it.each([
    ['cab/real', 'vcredist_14250_Microsoft_VC80_MFCLOC_x86.cab'],
    ['cab/real', 'nunit.cab'],
    ['cab/lzx-uncompressed-synthetic', 'unc_odd.cab'],
    ['wsusscn2/wsus-export', 'WSUS-2020.cab'],
  ])('agrees with the hashes of %s/%s', async (directory, name) => {
    const expected = (await readFile(sample(directory, 'EXPECTED.sha256'), 'utf8'))
      .split('\n')
      .filter((line) => line.includes(`  ${name}!`))
      .map((line) => line.replace(`  ${name}!`, '  '));
    const { exitCode, stdout } = await run(['hash', sample(directory, name)]);
    expect(exitCode).toBe(0);
    expect(stdout.trimEnd().split('\n').sort()).toEqual(expected.sort());
    expect(expected.length).toBeGreaterThan(0);
  });

  it('says where the damaged export is damaged', async () => {
    const { exitCode, stdout, stderr } = await run(['hash', sample('wsusscn2/wsus-export', 'WSUS-2020feb.cab')]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/package\.xml: data block has checksum 0x1f6cd10f, .* \(at byte 26591 of the cabinet\)\n$/);
  });
});
