import { describe, expect, test } from 'vitest';
import { checksum } from './checksum.ts';
import { type ByteSink, CabError, type CabHandlers, CabReader, readCab } from './index.ts';
import { markup, randomBytes } from './testing/corpus.ts';
import { type EncodeOptions, encodeCab, type MemberToEncode } from './testing/encode.ts';
import { cabErrorOf, unpack } from './testing/unpack.ts';

const text = (value: string) => new TextEncoder().encode(value);
const files = (...names: string[]): MemberToEncode[] => names.map((name) => ({ name, data: text(`data of ${name}`) }));
const discard: ByteSink = { write: () => undefined, end: () => undefined };

/** A cabinet and a view to change it. */
function changed(options: EncodeOptions, change: (view: DataView, at: Places) => void): Uint8Array {
  const cab = encodeCab(options);
  const view = new DataView(cab.buffer);
  const filesAt = view.getUint32(16, true);
  const file = (index: number): number => {
    let at = filesAt;
    for (let i = 0; i < index; i++) at = cab.indexOf(0, at + 16) + 1;
    return at;
  };
  const reserved = (view.getUint16(30, true) & 4) !== 0;
  const foldersAt = reserved ? 40 + view.getUint16(36, true) : 36;
  const folder = (index: number) => foldersAt + index * (8 + (reserved ? view.getUint8(38) : 0));
  change(view, { file, folder, data: (index) => view.getUint32(folder(index), true) });
  return cab;
}

/** Bytes of the cabinet at which things stand. */
interface Places {
  /** CFFILE entry: size +0, offset +4, folder +8. */
  file(index: number): number;
  /** CFFOLDER entry: data offset +0, blocks +4, compression +6. */
  folder(index: number): number;
  /** First CFDATA of a folder: checksum +0, packed length +4, unpacked length +6. */
  data(folder: number): number;
}

function push(cab: Uint8Array, handlers: CabHandlers): void {
  const reader = new CabReader(handlers);
  reader.write(cab);
  reader.end();
}

describe('members', () => {
  test('are asked for when their turn comes, and ended before the next', () => {
    const calls: string[] = [];
    push(
      encodeCab({ members: files('a', 'b', 'c', 'd'), compression: { lzx: 15 }, folderOf: (i) => (i < 2 ? 1 : 0) }),
      {
        onHeader: (header) => void calls.push(`header of ${header.members.length}`),
        onMember({ name }) {
          calls.push(`ask ${name}`);
          if (name === 'd') return undefined;
          return {
            write: (chunk) => void calls.push(Buffer.from(chunk).toString()),
            end: () => void calls.push('end'),
          };
        },
      },
    );
    expect(calls).toEqual([
      ...['header of 4', 'ask c', 'data of c', 'end', 'ask d'],
      ...['ask a', 'data of a', 'end', 'ask b', 'data of b', 'end'],
    ]);
  });

  test('come in chunks of at most 32 KiB', () => {
    const data = markup(200_000, 1);
    for (const compression of ['stored', 'mszip', { lzx: 21 }] as const) {
      const lengths: number[] = [];
      push(encodeCab({ members: [{ name: 'a', data }], compression }), {
        onMember: () => ({ write: (chunk) => void lengths.push(chunk.length), end: () => undefined }),
      });
      expect(lengths).toEqual([...Array(6).fill(32_768), 200_000 - 6 * 32_768]);
    }
  });

  test('can be chosen anywhere in a folder', () => {
    const members = ['a', 'b', 'c', 'd', 'e'].map((name, i) => ({ name, data: markup(50_000, i) }));
    for (const compression of ['stored', 'mszip', { lzx: 17 }] as const) {
      const cab = encodeCab({ members, compression });
      const { members: read, error } = unpack(cab, 1000, ({ name }) => name === 'b' || name === 'd');
      expect(error).toBeUndefined();
      expect([...read.keys()]).toEqual(['b', 'd']);
      expect(Buffer.from(read.get('d') ?? []).equals(members[3]?.data ?? new Uint8Array(0))).toBe(true);
    }
  });

  test('of no length are ended at once, wherever they stand', () => {
    const empty = (name: string) => ({ name, data: new Uint8Array(0) });
    const cab = encodeCab({ members: [empty('a'), ...files('b'), empty('c')], compression: 'mszip' });
    expect([...unpack(cab).members].map(([name, data]) => [name, data.length])).toEqual([
      ['a', 0],
      ['b', 9],
      ['c', 0],
    ]);
    expect(unpack(encodeCab({ members: [empty('alone')], compression: { lzx: 21 } })).members.size).toBe(1);
  });

  test('may stand in the file table in any order', () => {
    const cab = changed({ members: files('a', 'b'), compression: 'stored' }, (view, { file }) => {
      view.setUint32(file(0) + 4, 9, true);
      view.setUint32(file(1) + 4, 0, true);
    });
    expect([...unpack(cab).members].map(([name, data]) => `${name}: ${Buffer.from(data)}`)).toEqual([
      'b: data of a',
      'a: data of b',
    ]);
  });

  test('may leave gaps in their folder', () => {
    const cab = changed({ members: files('a', 'b', 'c'), compression: { lzx: 15 } }, (view, { file }) => {
      view.setUint32(file(0), 4, true);
      view.setUint32(file(1) + 4, 9 + 5, true);
      view.setUint32(file(1), 2, true);
    });
    expect([...unpack(cab).members.values()].map((data) => Buffer.from(data).toString())).toEqual([
      'data',
      'of',
      'data of c',
    ]);
  });

  test('may share their bytes, and then each gets them', () => {
    const cab = changed({ members: files('a', 'b', 'c'), compression: 'mszip' }, (view, { file }) => {
      view.setUint32(file(2) + 4, 0, true);
    });
    const wanted = (names: string) => unpack(cab, 10, ({ name }) => names.includes(name));
    expect([...wanted('abc').members].map(([name, data]) => `${name}: ${Buffer.from(data)}`)).toEqual([
      'a: data of a',
      'c: data of a',
      'b: data of b',
    ]);
    expect([...wanted('c').members.keys()]).toEqual(['c']);
  });

  test('must not overlap otherwise', () => {
    const cab = changed({ members: files('a', 'b'), compression: 'stored' }, (view, { file }) => {
      view.setUint32(file(1) + 4, 8, true);
    });
    expect(unpack(cab).error).toMatchObject({
      code: 'bad-header',
      member: 'b',
      reason: expect.stringMatching(/inside/),
    });
    expect(unpack(cab, 7, ({ name }) => name === 'b').error).toBeUndefined();
  });
});

describe('folders', () => {
  const members = files('a', 'b');
  const folderOf = (index: number) => index;

  test('are read in the order of their data', () => {
    const cab = changed({ members, compression: 'stored', folderOf }, (view, { folder }) => {
      const first = view.getUint32(folder(0), true);
      view.setUint32(folder(0), view.getUint32(folder(1), true), true);
      view.setUint32(folder(1), first, true);
    });
    expect([...unpack(cab, 1).members].map(([name, data]) => `${name}: ${Buffer.from(data)}`)).toEqual([
      'b: data of a',
      'a: data of b',
    ]);
  });

  test('without a wanted member are not unpacked', () => {
    const cab = changed({ members, compression: { lzx: 21 }, folderOf }, (view, { data }) => {
      view.setUint8(data(0) + 12, 0xff);
    });
    expect(unpack(cab).error).toMatchObject({ code: 'bad-checksum', member: 'a' });
    const { error, members: read } = unpack(cab, 3, ({ name }) => name === 'b');
    expect(error).toBeUndefined();
    expect([...read.keys()]).toEqual(['b']);
  });

  test('are not unpacked beyond the last wanted member', () => {
    const two = [
      { name: 'a', data: randomBytes(40_000, 1) },
      { name: 'b', data: randomBytes(40_000, 2) },
    ];
    const cab = encodeCab({ members: two, compression: 'stored' });
    cab[cab.length - 1] = (cab.at(-1) ?? 0) ^ 1;
    expect(unpack(cab).error).toMatchObject({ code: 'bad-checksum', member: 'b' });
    expect(unpack(cab, 4096, ({ name }) => name === 'a').error).toBeUndefined();
  });

  test('of a method that cannot be read are refused only when wanted', () => {
    for (const [type, reason] of [
      [2, /Quantum/],
      [0x1103, undefined],
      [0x0e03, /2\^14/],
      [0x1603, /2\^22/],
      [4, /unknown type 0x0004/],
    ] as const) {
      const cab = changed({ members, compression: { lzx: 17 }, folderOf }, (view, { folder }) => {
        view.setUint16(folder(1) + 6, type, true);
      });
      const all = unpack(cab);
      if (reason === undefined) expect(all.error).toBeUndefined();
      else {
        expect(all.error).toMatchObject({ code: 'unsupported-compression', member: 'b', offset: expect.any(Number) });
        expect(String(all.error)).toMatch(reason);
      }
      expect(all.members.has('a')).toBe(true);
      expect(unpack(cab, 5, ({ name }) => name === 'a').error).toBeUndefined();
    }
  });

  test('must hold what their members need', () => {
    const cab = changed({ members, compression: 'mszip', folderOf }, (view, { file }) => {
      view.setUint32(file(0), 10, true);
    });
    expect(unpack(cab).error).toMatchObject({
      code: 'bad-data',
      member: 'a',
      reason: 'its folder ends after 9 bytes, and it needs 10',
    });
  });

  test('must not share their data', () => {
    const cab = changed({ members, compression: 'stored', folderOf }, (view, { folder, data }) => {
      view.setUint32(folder(1), data(0), true);
    });
    expect(unpack(cab).error).toMatchObject({ code: 'bad-header', member: 'b' });
  });

  test('must have their data behind the tables and inside the cabinet', () => {
    for (const [offset, code] of [
      [0, 'bad-header'],
      [0xffffff00, 'bad-data'],
    ] as const) {
      const cab = changed({ members: files('a'), compression: 'stored' }, (view, { folder }) => {
        view.setUint32(folder(0), offset, true);
      });
      expect(unpack(cab).error).toMatchObject({ code, member: 'a' });
    }
  });
});

describe('data blocks', () => {
  const block = (change: (view: DataView, at: number) => void) =>
    unpack(changed({ members: files('a'), compression: 'stored' }, (view, { data }) => change(view, data(0)))).error;

  test('with a wrong checksum are refused, with none accepted', () => {
    const error = block((view, at) => view.setUint32(at, 0x12345678, true));
    expect(error).toMatchObject({ code: 'bad-checksum', member: 'a', offset: 62 });
    expect(String(error)).toMatch(/^CabError: a: .* 0x12345678 \(at byte 62 of the cabinet\)$/);
    expect(block((view, at) => view.setUint32(at, 0, true))).toBeUndefined();
  });

  test('may count their reserved bytes in the checksum or not', () => {
    for (const counted of [true, false]) {
      const options: EncodeOptions = { members: files('a'), compression: 'stored', reserve: { data: 6 } };
      const cab = changed(options, (view, { data }) => {
        const at = data(0);
        for (let i = 0; i < 6; i++) view.setUint8(at + 8 + i, i + 1);
        const bytes = new Uint8Array(view.buffer);
        const head = bytes.subarray(at + 4, at + 8 + (counted ? 6 : 0));
        view.setUint32(at, checksum(head, checksum(bytes.subarray(at + 14, at + 14 + 9))), true);
      });
      expect(unpack(cab).error).toBeUndefined();
      cab[cab.length - 1] = 0;
      expect(unpack(cab).error).toMatchObject({ code: 'bad-checksum' });
    }
  });

  test('unpack to 1 to 32,768 bytes', () => {
    expect(block((view, at) => view.setUint16(at + 6, 0, true))).toMatchObject({ code: 'split-set', offset: 68 });
    expect(block((view, at) => view.setUint16(at + 6, 32_769, true))).toMatchObject({ code: 'bad-data', offset: 68 });
  });

  test('that are stored must have the length they declare', () => {
    const error = block((view, at) => {
      view.setUint32(at, 0, true);
      view.setUint16(at + 6, 8, true);
    });
    expect(error).toMatchObject({ code: 'bad-data', reason: 'stored block has 9 bytes and declares 8' });
  });

  test('must end inside the cabinet', () => {
    expect(block((view, at) => view.setUint16(at + 4, 10, true))).toMatchObject({
      code: 'bad-data',
      reason: 'its data goes up to byte 80, and the cabinet says that it has 79',
    });
  });
});

describe('the stream', () => {
  const members = [...files('first', 'second'), { name: 'third', data: markup(70_000, 9) }];

  test('cut anywhere is truncated, and says after how many bytes', () => {
    const cab = encodeCab({ members, compression: { lzx: 16 }, folderOf: (i) => i, reserve: { header: 5 } });
    for (let length = 0; length < cab.length; length += length < 300 ? 1 : 97) {
      for (const wants of [() => true, () => false]) {
        const { error } = unpack(cab.subarray(0, length), 64, wants);
        expect(error).toBeInstanceOf(CabError);
        expect(error).toMatchObject({ code: 'truncated', offset: length });
      }
    }
    expect(String(unpack(cab.subarray(0, cab.length - 1)).error)).toBe(
      `CabError: third: the cabinet ends after ${cab.length - 1} of ${cab.length} bytes (at byte ${cab.length - 1} of the cabinet)`,
    );
  });

  test('may go on behind the cabinet', () => {
    const cab = encodeCab({ members, compression: 'mszip', trailing: text('MSCF and other bytes') });
    expect(unpack(cab, 1).error).toBeUndefined();
    const reader = new CabReader({ onMember: () => discard });
    reader.write(cab);
    reader.end();
    reader.write(text('more'));
  });

  test('may come in empty chunks, and from any iterable', async () => {
    const cab = encodeCab({ members, compression: { lzx: 21 } });
    const names: string[] = [];
    async function* source() {
      for (const byte of cab) {
        yield Uint8Array.of(byte);
        yield new Uint8Array(0);
      }
    }
    await readCab(source(), { onMember: ({ name }) => ({ ...discard, end: () => void names.push(name) }) });
    expect(names).toEqual(['first', 'second', 'third']);
    const refuse = () => {
      throw new Error('enough');
    };
    await expect(readCab(source(), { onMember: refuse })).rejects.toThrow('enough');
  });

  test('may be a view into other memory, also a Buffer from a pool', () => {
    const cab = encodeCab({ members, compression: 'stored', reserve: { header: 20, data: 3 } });
    for (const shift of [1, 2, 3]) {
      const memory = Buffer.concat([randomBytes(shift, 1), cab, randomBytes(9, 2)]);
      expect(unpack(memory.subarray(shift, shift + cab.length)).error).toBeUndefined();
    }
  });

  test('is not read on after an error', () => {
    const reader = new CabReader({ onMember: () => discard });
    const error = cabErrorOf(() => reader.write(text('MSCX'.repeat(9))));
    expect(error).toMatchObject({ code: 'not-a-cabinet', offset: 0 });
    expect(cabErrorOf(() => reader.write(text('x')))).toBe(error);
    expect(cabErrorOf(() => reader.end())).toBe(error);
  });
});

describe('what handlers and sinks throw', () => {
  const cab = encodeCab({ members: files('a', 'b'), compression: 'mszip' });

  test('comes out unchanged and ends the reading', () => {
    const failure = new Error('disk full');
    const fail = () => {
      throw failure;
    };
    for (const handlers of [
      { onMember: fail },
      { onHeader: fail, onMember: () => discard },
      { onMember: () => ({ ...discard, write: fail }) },
      { onMember: () => ({ ...discard, end: fail }) },
    ]) {
      const reader = new CabReader(handlers);
      expect(() => reader.write(cab)).toThrow(failure);
      expect(() => reader.end()).toThrow(failure);
    }
  });

  test('names the path when it is the error of a cabinet in a cabinet', () => {
    const inner = changed({ members: files('x\\1', 'x\\2'), compression: 'stored' }, (view, { data }) => {
      view.setUint8(data(0) + 8, 0);
    });
    const middle = encodeCab({ members: [{ name: 'package2.cab', data: inner }], compression: { lzx: 15 } });
    const outer = encodeCab({
      members: [...files('index.xml'), { name: 'scan.cab', data: middle }],
      compression: 'mszip',
    });
    const onMember: CabHandlers['onMember'] = ({ name }) =>
      name.endsWith('.cab') ? new CabReader({ onMember }) : discard;
    const error = cabErrorOf(() => push(outer, { onMember }));
    expect(error).toMatchObject({ code: 'bad-checksum', member: 'scan.cab > package2.cab > x\\1', offset: 84 });
    expect(error.message).toMatch(
      /^scan\.cab > package2\.cab > x\\1: data block has checksum .* \(at byte 84 of the cabinet\)$/,
    );

    const short = encodeCab({ members: [{ name: 'short.cab', data: inner.subarray(0, 50) }], compression: 'stored' });
    expect(cabErrorOf(() => push(short, { onMember }))).toMatchObject({
      code: 'truncated',
      member: 'short.cab',
      reason: 'the cabinet ends after 50 bytes, inside its header',
    });
  });
});
