import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CabReader } from './index.ts';
import { machineCode, markup, randomBytes, randomNumbers } from './testing/corpus.ts';
import { cabsToDamage, damaged, readDamagedTwice } from './testing/damage.ts';
import { type EncodeOptions, encodeCab } from './testing/encode.ts';
import { cabErrorOf, unpack } from './testing/unpack.ts';
import { WasmInstance } from './wasm/instance.ts';

const makers = [markup, machineCode, randomBytes, (length: number) => new Uint8Array(length)];

/** Contents of a file: pieces of different kinds, so that neighbouring blocks differ. */
const contents = fc
  .array(fc.record({ kind: fc.nat({ max: makers.length - 1 }), length: fc.nat({ max: 40_000 }), seed: fc.nat() }), {
    maxLength: 3,
  })
  .map((pieces) => Buffer.concat(pieces.map(({ kind, length, seed }) => (makers[kind] ?? markup)(length, seed))));

const windows = [15, 16, 17, 18, 19, 20, 21] as const;
const compressions: fc.Arbitrary<EncodeOptions['compression']> = fc.oneof(
  fc.constant('stored' as const),
  fc.constant('mszip' as const),
  fc.record(
    {
      lzx: fc.constantFrom(...windows),
      blockType: fc.constantFrom('verbatim' as const, 'aligned' as const, 'uncompressed' as const),
      blockLength: fc.integer({ min: 512, max: 100_000 }),
      translateCalls: fc.boolean(),
    },
    { requiredKeys: ['lzx'] },
  ),
);

/** Cabinets of up to five files in up to three folders. */
const options: fc.Arbitrary<EncodeOptions> = fc
  .record({
    data: fc.array(contents, { minLength: 1, maxLength: 5 }),
    compression: compressions,
    folders: fc.integer({ min: 1, max: 3 }),
    reserve: fc.option(
      fc.record({ header: fc.nat({ max: 7000 }), folder: fc.nat({ max: 255 }), data: fc.nat({ max: 255 }) }),
      { nil: undefined },
    ),
    trailing: fc.uint8Array({ maxLength: 100 }),
    checksums: fc.boolean(),
  })
  .map(({ data, folders, reserve, ...rest }) => ({
    ...rest,
    ...(reserve === undefined ? {} : { reserve }),
    members: data.map((bytes, i) => ({ name: `folder\\file ${i}`, data: bytes })),
    folderOf: (index: number) => index % Math.min(folders, data.length),
  }));

const chunkSizes = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100_000 }));

describe('encoder and reader', () => {
  test('agree on every member, whatever the options and the chunk size', () => {
    fc.assert(
      fc.property(options, chunkSizes, (made, chunkSize) => {
        const { members, error } = unpack(encodeCab(made), chunkSize);
        expect(error).toBeUndefined();
        expect(members.size).toBe(made.members.length);
        for (const { name, data } of made.members) {
          const read = members.get(name);
          expect({ name, same: read !== undefined && Buffer.compare(read, data) === 0 }).toEqual({ name, same: true });
        }
      }),
      { numRuns: 60 },
    );
  });

  test('agree on every choice of members', () => {
    fc.assert(
      fc.property(options, fc.infiniteStream(fc.boolean()), (made, choices) => {
        const chosen = new Set(made.members.filter(() => choices.next().value).map(({ name }) => name));
        const { members, error } = unpack(encodeCab(made), 1 << 16, ({ name }) => chosen.has(name));
        expect(error).toBeUndefined();
        expect(new Set(members.keys())).toEqual(chosen);
        for (const { name, data } of made.members) {
          if (chosen.has(name)) expect(Buffer.compare(members.get(name) ?? Buffer.of(1), data)).toBe(0);
        }
      }),
      { numRuns: 30 },
    );
  });
});

/** Programs of other people, which must give what went in as well: encoder and reader could err together. */
const strangers = {
  cabextract: (cab: string, to: string) => ['-q', '-d', to, cab],
  '7z': (cab: string, to: string) => ['x', '-y', '-bso0', '-bsp0', `-o${to}`, cab],
  bsdtar: (cab: string, to: string) => ['-x', '-f', cab, '-C', to],
};
const isThere = (tool: string) => spawnSync(tool, ['--help'], { stdio: 'ignore' }).error === undefined;

describe('random cabinets', () => {
  for (const [tool, argumentsFor] of Object.entries(strangers)) {
    // testing/strangers.test.ts says loudly what is missing.
    test.skipIf(!isThere(tool) && process.env.CI !== 'true')(`are unpacked by ${tool} as by the reader`, () => {
      fc.assert(
        fc.property(options, (made) => {
          // libarchive 3.6 refuses a second folder that has no data.
          fc.pre(tool !== 'bsdtar' || made.members.every(({ data }) => data.length > 0));
          const folder = mkdtempSync(join(tmpdir(), 'cabinet-'));
          try {
            const cab = join(folder, 'made.cab');
            writeFileSync(cab, encodeCab(made));
            const { status, stderr } = spawnSync(tool, argumentsFor(cab, folder), { encoding: 'utf8' });
            expect({ status, stderr }).toMatchObject({ status: 0 });
            for (const { name, data } of made.members) {
              const read = readFileSync(join(folder, ...name.split('\\')));
              expect({ name, same: Buffer.compare(read, data) === 0 }).toEqual({ name, same: true });
            }
          } finally {
            rmSync(folder, { recursive: true });
          }
        }),
        { numRuns: 20 },
      );
    });
  }
});

describe('a damaged cabinet', () => {
  const cabs = cabsToDamage();

  test('is read or refused with a CabError, soon, the same in chunks of any size', () => {
    const started = performance.now();
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= 550; seed++) {
      const cab = damaged(cabs[seed % cabs.length] ?? new Uint8Array(0), randomNumbers(seed * 7919));
      const { code } = readDamagedTwice(cab, seed);
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
    }
    expect(performance.now() - started).toBeLessThan(30_000);
    // The damage must have reached all of the checks, or this test would show nothing.
    expect([...outcomes.keys()].sort()).toEqual(
      expect.arrayContaining(['bad-data', 'bad-header', 'read', 'split-set', 'truncated', 'unsupported-compression']),
    );
    expect(outcomes.get('bad-data')).toBeGreaterThan(50);
  });
});

describe('memory', () => {
  test('stays bounded by block and window, not by the member', () => {
    // 32 MiB of zeros pack to some 60 KB, so that buffering the member would show.
    const length = 32 * 2 ** 20;
    const cab = encodeCab({ members: [{ name: 'zeros', data: new Uint8Array(length) }], compression: { lzx: 21 } });
    expect(cab.length).toBeLessThan(100_000);
    let read = 0;
    // What stands outside of the heap: buffers, and the memory of WebAssembly, which `arrayBuffers` leaves out.
    const before = process.memoryUsage().external;
    let most = 0;
    const reader = new CabReader({
      onMember: () => ({
        write(chunk) {
          read += chunk.length;
          most = Math.max(most, process.memoryUsage().external - before);
        },
        end: () => undefined,
      }),
    });
    for (const byte of cab) reader.write(Uint8Array.of(byte));
    reader.end();
    expect(read).toBe(length);
    expect(most).toBeLessThan(16 * 2 ** 20);
  });

  test('a table that promises much is not believed before it is there', () => {
    // 65,535 folders with 65,535 blocks each, and 65,535 files of 4 GiB; nothing of it follows.
    const header = Buffer.alloc(36);
    header.write('MSCF');
    header.writeUInt32LE(0xffffffff, 8);
    header.writeUInt32LE(36 + 8 * 65_535, 16);
    header.fill(0xff, 26, 30);
    const before = process.memoryUsage().arrayBuffers;
    const reader = new CabReader({ onMember: () => undefined });
    reader.write(header);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    expect(cabErrorOf(() => reader.end())).toMatchObject({ code: 'truncated', offset: 36 });
  });

  test('one decoder serves many small folders', () => {
    const members = Array.from({ length: 2000 }, (_, i) => ({ name: `${i}`, data: Uint8Array.of(i, i >>> 8) }));
    const cab = encodeCab({ members, compression: { lzx: 21 }, folderOf: (index) => index });
    const before = WasmInstance.made;
    const reader = new CabReader({ onMember: () => ({ write: () => undefined, end: () => undefined }) });
    reader.write(cab);
    reader.end();
    // None when a test before this one has left it.
    expect(WasmInstance.made - before).toBeLessThanOrEqual(1);
  });
});
