import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corpus } from './corpus.ts';
import { type EncodeOptions, encodeCab } from './encode.ts';

/** Decoders of other people that must agree with the encoder, so that it and our own decoder cannot err together. */
const strangers = {
  cabextract: (cab: string, folder: string) => ['-q', '-d', folder, cab],
  '7z': (cab: string, folder: string) => ['x', '-y', '-bso0', '-bsp0', `-o${folder}`, cab],
  bsdtar: (cab: string, folder: string) => ['-x', '-f', cab, '-C', folder],
};

const isThere = (tool: string) => spawnSync(tool, ['--help'], { stdio: 'ignore' }).error === undefined;
const missing = Object.keys(strangers).filter((tool) => !isThere(tool));
if (missing.length > 0) {
  const message = `${missing.join(', ')} not installed (Debian: cabextract, 7zip, libarchive-tools)`;
  if (process.env.CI === 'true') throw new Error(message);
  process.stderr.write(`\n!!! SKIPPED: cabinets are not compared with ${message}\n\n`);
}

const windows = [15, 16, 17, 18, 19, 20, 21] as const;
const blockTypes = ['verbatim', 'aligned', 'uncompressed'] as const;

const cases: [string, Omit<EncodeOptions, 'members'>][] = [
  ['stored', { compression: 'stored' }],
  ['MSZIP', { compression: 'mszip' }],
  ...windows.map((lzx): [string, Omit<EncodeOptions, 'members'>] => [`LZX:${lzx}`, { compression: { lzx } }]),
  ...blockTypes.flatMap((blockType) =>
    [512, 32_768, 50_001].map((blockLength): [string, Omit<EncodeOptions, 'members'>] => [
      `LZX:21, ${blockType} blocks of ${blockLength}`,
      { compression: { lzx: 21, blockType, blockLength } },
    ]),
  ),
  ['LZX:19 without call translation', { compression: { lzx: 19, translateCalls: false } }],
  ['three folders', { compression: { lzx: 16 }, folderOf: (index) => index % 3 }],
  ['the layout of a signed one', { compression: { lzx: 21 }, reserve: { header: 20 }, trailing: new Uint8Array(9000) }],
  ['all reserves', { compression: { lzx: 21 }, reserve: { header: 6144, folder: 7, data: 9 } }],
  ['no checksums', { compression: 'mszip', checksums: false }],
];

const members = Object.entries(corpus()).map(([name, data]) => ({ name, data }));

describe.each(cases)('a cabinet with %s', (_name, options) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cabinet-'));
    await writeFile(join(folder, 'made.cab'), encodeCab({ ...options, members }));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  for (const [tool, argumentsFor] of Object.entries(strangers)) {
    test.skipIf(missing.includes(tool))(`is unpacked by ${tool}`, async () => {
      const unpacked = join(folder, tool);
      await mkdir(unpacked);
      const run = spawnSync(tool, argumentsFor(join(folder, 'made.cab'), unpacked), { encoding: 'utf8' });
      expect({ status: run.status, output: run.stdout }).toEqual({ status: 0, output: '' });
      expect((await readdir(unpacked)).sort()).toEqual(members.map(({ name }) => name).sort());
      for (const { name, data } of members) {
        const same = Buffer.compare(await readFile(join(unpacked, name)), data) === 0;
        expect({ name, same }).toEqual({ name, same: true });
      }
    });
  }
});
