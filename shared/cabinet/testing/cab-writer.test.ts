import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CabPlan, CabWriter, MemoryTarget } from './cab-writer.ts';
import { machineCode, markup, randomBytes } from './corpus.ts';
import { encodeCab } from './encode.ts';
import { FileTarget } from './file-target.ts';
import { unpack } from './unpack.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cab-writer-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const contents = {
  a: markup(100_000, 1),
  b: randomBytes(70_001, 2),
  empty: new Uint8Array(),
  c: machineCode(90_000, 3),
};
const [a, b, empty, c] = Object.entries(contents).map(([name, data]) => ({ name, data }));
const members = [a, b, empty, c].filter((member) => member !== undefined);

/** Writes members in pieces of the given size. */
function write(writer: CabWriter, data: readonly Uint8Array[], piece: number): void {
  for (const bytes of data) {
    for (let at = 0; at < bytes.length; at += piece) writer.write(bytes.subarray(at, at + piece));
    writer.endMember();
  }
}

describe('a cabinet that is written piece by piece', () => {
  test.each<[string, CabPlan['compression']]>([
    ['stored', 'stored'],
    ['MSZIP', 'mszip'],
    ['LZX', { lzx: 16, blockLength: 50_001 }],
  ])('does not depend on the pieces (%s)', (_name, compression) => {
    const whole = encodeCab({
      members,
      compression,
      folderOf: (i) => (i < 2 ? 0 : 1),
      reserve: { header: 20, data: 3 },
    });
    for (const piece of [1000, 32_768, 1_000_000]) {
      const target = new MemoryTarget();
      const writer = new CabWriter(target, {
        folders: [members.slice(0, 2), members.slice(2)],
        compression,
        reserve: { header: 20, data: 3 },
      });
      write(
        writer,
        members.map(({ data }) => data),
        piece,
      );
      expect(writer.end()).toBe(whole.length);
      expect(Buffer.compare(target.bytes, whole)).toBe(0);
    }
  });

  test('may be longer than what the encoder keeps of it, with repetitions from one end of the window to the other', () => {
    // Bytes that only the window's far end can pack, with others in between: the window moves on while they are read.
    const far = randomBytes(2 ** 15 - 3, 4);
    const parts = Array.from({ length: 400 }, (_, i) => (i % 10 === 9 ? markup(40_000, i) : far));
    const stream = Buffer.concat(parts);
    const path = join(folder, 'long.cab');
    const target = new FileTarget(path);
    const writer = new CabWriter(target, { folders: [[{ name: 'long' }]], compression: { lzx: 15 } });
    write(writer, [stream], 65_536);
    writer.end();
    target.close();
    const cab = readFileSync(path);
    // Each of the 400 parts, but for the first of ten, repeats the one before.
    expect(cab.length).toBeLessThan(stream.length / 3);
    expect(Buffer.compare(unpack(cab).members.get('long') ?? new Uint8Array(), stream)).toBe(0);
    const stranger = spawnSync('cabextract', ['-q', '-p', path], { maxBuffer: 2 ** 26 });
    // Where there is none, strangers.test.ts says so.
    if (stranger.error === undefined) expect(Buffer.compare(stranger.stdout, stream)).toBe(0);
  });

  test('is complete or refused', () => {
    const plan: CabPlan = { folders: [[{ name: 'a' }], [{ name: 'b' }]], compression: 'stored' };
    const writer = new CabWriter(new MemoryTarget(), plan);
    writer.endMember();
    expect(() => writer.end()).toThrow('not all files of the plan are complete');
    writer.endMember();
    expect(() => writer.write(new Uint8Array(1))).toThrow('all files of the plan are complete');
    expect(() => writer.endMember()).toThrow('all files of the plan are complete');
    expect(writer.end()).toBeGreaterThan(0);
  });
});
