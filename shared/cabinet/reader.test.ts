import { describe, expect, test } from 'vitest';
import { type ByteSink, CabError, type CabHandlers, CabReader, readCab } from './index.ts';
import { changed, files } from './testing/changed.ts';
import { markup, randomBytes } from './testing/corpus.ts';
import { encodeCab } from './testing/encode.ts';
import { cabErrorOf, unpack } from './testing/unpack.ts';

// Over 300 lines: the order of calls, giving up and nesting are one contract, and its cases share these few helpers.
const text = (value: string) => new TextEncoder().encode(value);
const discard: ByteSink = { write: () => undefined, end: () => undefined };

function push(cab: Uint8Array, handlers: CabHandlers): void {
  const reader = new CabReader(handlers);
  reader.write(cab);
  reader.end();
}

describe('a sink that has enough', () => {
  const long = markup(100_000, 3);
  const cab = encodeCab({
    members: [
      { name: 'a', data: long },
      { name: 'b', data: long },
    ],
    compression: { lzx: 15 },
  });
  /** Reads the cabinet; the sink of a member has enough when it has had so many bytes. */
  function lengths(bytes: Uint8Array, enough: number): Record<string, number[]> {
    const got: Record<string, number[]> = {};
    push(bytes, {
      onMember({ name }) {
        let had = 0;
        return {
          get done() {
            return had >= enough;
          },
          write: (chunk) => {
            had += chunk.length;
          },
          end: () => {
            got[name] = [...(got[name] ?? []), had];
          },
        };
      },
    });
    return got;
  }

  test('gets no more of its member, and is ended once', () => {
    expect(lengths(cab, 1)).toEqual({ a: [32_768], b: [4 * 32_768 - 100_000] });
    expect(lengths(cab, 100_000)).toEqual({ a: [100_000], b: [100_000] });
    expect(lengths(cab, 0)).toEqual({ a: [0], b: [0] });
  });

  test('lets what is left behind the last wanted byte be passed over unread', () => {
    const damaged = Uint8Array.from(cab);
    damaged[damaged.length - 20] = (damaged[damaged.length - 20] as number) ^ 0xff;
    expect(cabErrorOf(() => lengths(damaged, 100_000)).code).toBe('bad-checksum');
    expect(lengths(damaged, 1)).toEqual({ a: [32_768], b: [4 * 32_768 - 100_000] });
    expect(cabErrorOf(() => lengths(cab.subarray(0, -1), 1)).code).toBe('truncated');
  });
});

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

describe('a sink that will get no more bytes', () => {
  const cab = encodeCab({ members: [...files('a'), { name: 'b', data: markup(70_000, 3) }], compression: { lzx: 15 } });
  const damaged = Uint8Array.from(cab);
  damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;

  function callsOf(read: (reader: CabReader) => void): string[] {
    const calls: string[] = [];
    const reader = new CabReader({
      onMember: ({ name }) => ({
        write: () => undefined,
        end: () => void calls.push(`end ${name}`),
        abort: () => void calls.push(`abort ${name}`),
      }),
    });
    read(reader);
    return calls;
  }

  test('is told so once, whatever the reason; those that were ended are not', () => {
    const once = ['end a', 'abort b'];
    expect(callsOf((reader) => cabErrorOf(() => reader.write(damaged)))).toEqual(once);
    expect(
      callsOf((reader) => {
        reader.write(cab.subarray(0, cab.length - 1));
        cabErrorOf(() => reader.end());
        reader.abort();
      }),
    ).toEqual(once);
    expect(
      callsOf((reader) => {
        reader.write(cab.subarray(0, cab.length - 1));
        reader.abort();
        cabErrorOf(() => reader.end());
      }),
    ).toEqual(once);
    expect(
      callsOf((reader) => {
        reader.write(cab);
        reader.end();
        reader.abort();
      }),
    ).toEqual(['end a', 'end b']);
  });

  test('is told so when it gives the reader up itself, and then nothing more is read', () => {
    for (const when of ['member', 'write', 'end'] as const) {
      const calls: string[] = [];
      const call = (what: string) => {
        calls.push(what);
        if (what === when) reader.abort();
      };
      const reader = new CabReader({
        onMember() {
          call('member');
          return { write: () => call('write'), end: () => call('end'), abort: () => void calls.push('abort') };
        },
      });
      expect(cabErrorOf(() => reader.write(cab)).reason).toMatch(/^reading was given up/);
      const expected = { member: ['member'], write: ['member', 'write', 'abort'], end: ['member', 'write', 'end'] };
      expect(calls).toEqual(expected[when]);
    }
  });

  test('is told so when it is the sink itself that fails', () => {
    let aborted = 0;
    const sink: ByteSink = {
      write: () => {
        throw new Error('disk full');
      },
      end: () => undefined,
      abort: () => void aborted++,
    };
    expect(() => new CabReader({ onMember: () => sink }).write(cab)).toThrow('disk full');
    expect(aborted).toBe(1);
  });

  test('is told so when the source of readCab fails', async () => {
    async function* source() {
      yield cab.subarray(0, cab.length - 1);
      throw new Error('connection lost');
    }
    let aborted = 0;
    const sink: ByteSink = { ...discard, abort: () => void aborted++ };
    await expect(readCab(source(), { onMember: () => sink })).rejects.toThrow('connection lost');
    expect(aborted).toBe(1);
  });
});
