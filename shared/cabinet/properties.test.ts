import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CabError, type CabHandlers, CabReader } from './index.ts';
import { machineCode, markup, randomBytes, randomNumbers } from './testing/corpus.ts';
import { type EncodeOptions, encodeCab } from './testing/encode.ts';
import { cabErrorOf, unpack } from './testing/unpack.ts';

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

describe('a damaged cabinet', () => {
  /** Small cabinets of every kind; without checksums, so that damage reaches the decoders. */
  const seeds = [
    ...(['stored', 'mszip', ...windows.map((lzx) => ({ lzx }))] as const).map((compression, i) => ({ compression, i })),
    { compression: { lzx: 15, blockType: 'aligned', blockLength: 700 } as const, i: 20 },
    { compression: { lzx: 21, blockType: 'uncompressed', blockLength: 513 } as const, i: 21 },
  ].map(({ compression, i }) =>
    encodeCab({
      members: [
        { name: 'markup', data: markup(3000, i) },
        { name: 'code', data: machineCode(2000, i + 100) },
        { name: 'noise', data: randomBytes(500, i + 200) },
      ],
      compression,
      folderOf: (index) => (index === 2 ? 1 : 0),
      reserve: { header: 4, data: 2 },
      checksums: false,
    }),
  );

  /** Changes up to five bytes, and sometimes cuts a piece out or doubles one. */
  function damaged(cab: Uint8Array, next: () => number): Uint8Array {
    const result = Uint8Array.from(cab);
    for (let i = next() % 6; i > 0; i--) {
      // Half of the damage goes where a change tells most: the tables.
      const at = (next() & 1) === 0 ? next() % Math.min(result.length, 140) : next() % result.length;
      result[at] = [0, 0xff, 0x7f, 0x80, next() >>> 24, (result[at] ?? 0) ^ (1 << (next() % 8))][next() % 6] ?? 0;
    }
    const [from, length] = [next() % result.length, next() % 50];
    if (next() % 4 === 0) return Buffer.concat([result.subarray(0, from), result.subarray(from + length)]);
    if (next() % 4 === 0) return Buffer.concat([result.subarray(0, from + length), result.subarray(from)]);
    return result;
  }

  test('is read or refused with a CabError, soon, and no member gets more bytes than it has', () => {
    const started = performance.now();
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= 550; seed++) {
      const next = randomNumbers(seed * 7919);
      const cab = damaged(seeds[seed % seeds.length] ?? new Uint8Array(0), next);
      const outcome = pushAll(cab, 1 + (next() % 5000));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect(performance.now() - started).toBeLessThan(30_000);
    // The damage must have reached all of the checks, or this test would show nothing.
    expect([...outcomes.keys()].sort()).toEqual(
      expect.arrayContaining(['bad-data', 'bad-header', 'read', 'split-set', 'truncated', 'unsupported-compression']),
    );
    expect(outcomes.get('bad-data')).toBeGreaterThan(50);
  });

  test('behaves the same in chunks of any size', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const cab = damaged(seeds[seed % seeds.length] ?? new Uint8Array(0), randomNumbers(seed * 104_729));
      const whole = unpack(cab);
      for (const chunkSize of [1, 13, 1000]) {
        const { members, error } = unpack(cab, chunkSize);
        expect(members).toEqual(whole.members);
        expect(String(error)).toBe(String(whole.error));
      }
    }
  });

  /** Reads all members and counts their bytes. Returns `read`, or the code of the error. */
  function pushAll(cab: Uint8Array, chunkSize: number): string {
    const handlers: CabHandlers = {
      onMember(member) {
        let left = member.size;
        return {
          write(chunk) {
            left -= chunk.length;
            if (left < 0) throw new Error(`${member.name} got more than ${member.size} bytes`);
          },
          end() {
            if (left !== 0) throw new Error(`${member.name} lacks ${left} bytes`);
          },
        };
      },
    };
    try {
      const reader = new CabReader(handlers);
      for (let at = 0; at < cab.length; at += chunkSize) reader.write(cab.subarray(at, at + chunkSize));
      reader.end();
    } catch (error) {
      if (error instanceof CabError) return error.code;
      throw error;
    }
    return 'read';
  }
});

describe('memory', () => {
  test('stays bounded by block and window, not by the member', () => {
    // 32 MiB of zeros pack to some 60 KB, so that buffering the member would show.
    const length = 32 * 2 ** 20;
    const cab = encodeCab({ members: [{ name: 'zeros', data: new Uint8Array(length) }], compression: { lzx: 21 } });
    expect(cab.length).toBeLessThan(100_000);
    let read = 0;
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const reader = new CabReader({
      onMember: () => ({
        write(chunk) {
          read += chunk.length;
          most = Math.max(most, process.memoryUsage().arrayBuffers - before);
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
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const reader = new CabReader({
      onMember: () => ({
        write: () => undefined,
        end: () => {
          most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        },
      }),
    });
    reader.write(cab);
    reader.end();
    expect(most).toBeLessThan(16 * 2 ** 20);
  });
});
