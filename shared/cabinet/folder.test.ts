import { describe, expect, test } from 'vitest';
import { checksum } from './checksum.ts';
import { changed, files } from './testing/changed.ts';
import { randomBytes } from './testing/corpus.ts';
import { type EncodeOptions, encodeCab } from './testing/encode.ts';
import { unpack } from './testing/unpack.ts';

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
