import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CabReader } from './index.ts';
import { CabWriter, MemoryTarget } from './testing/cab-writer.ts';

/** The most that a folder holds: 65,535 blocks of 32,768 bytes ([MS-CAB], CFFOLDER). */
const mostBytes = 65_535 * 32_768;
const pieceLength = 65_535 * 16;

/** A piece of the folder's stream: a number, so that no two are alike, and two calls, which are translated in half of it. */
function fillPiece(piece: Buffer, index: number): Buffer {
  piece.writeUInt32LE(index, 0);
  piece.writeUInt8(0xe8, 1000);
  piece.writeInt32LE(70_000, 1001);
  piece.writeUInt8(0xe8, 700_000);
  piece.writeInt32LE(-1 - (index % 1000), 700_001);
  return piece;
}

async function hashOfCabextract(cab: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cabinet-'));
  try {
    const file = join(folder, 'large.cab');
    await writeFile(file, cab);
    const hash = createHash('sha256');
    for await (const chunk of spawn('cabextract', ['-q', '-p', file]).stdout) hash.update(chunk);
    return hash.digest('hex');
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('a folder of 2,147,450,880 bytes', () => {
  test.each(['mszip', { lzx: 21 }] as const)('packed with %j is read as it went in', async (compression) => {
    const target = new MemoryTarget();
    const writer = new CabWriter(target, { folders: [[{ name: 'large' }]], compression });
    const written = createHash('sha256');
    const piece = Buffer.alloc(pieceLength);
    for (let i = 0; i * pieceLength < mostBytes; i++) {
      writer.write(fillPiece(piece, i));
      written.update(piece);
    }
    writer.endMember();
    writer.end();
    const expected = written.digest('hex');

    const read = createHash('sha256');
    let length = 0;
    const sink = {
      write(chunk: Uint8Array) {
        read.update(chunk);
        length += chunk.length;
      },
      end: () => undefined,
    };
    const reader = new CabReader({ onMember: () => sink });
    reader.write(target.bytes);
    reader.end();
    expect(length).toBe(mostBytes);
    expect(read.digest('hex')).toBe(expected);
    if (spawnSync('cabextract', ['--version']).error === undefined) {
      expect(await hashOfCabextract(target.bytes)).toBe(expected);
    }
  });
});
