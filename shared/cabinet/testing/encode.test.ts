import { describe, expect, test } from 'vitest';
import { type CabHeader, CabReader } from '../index.ts';
import { encodeCab } from './encode.ts';

const bytes = (text: string) => Buffer.from(text);

function headerOf(cab: Uint8Array): CabHeader {
  const headers: CabHeader[] = [];
  const reader = new CabReader({ onHeader: (header) => void headers.push(header), onMember: () => undefined });
  reader.write(cab);
  reader.end();
  const [header] = headers;
  if (header === undefined) throw new Error('no header');
  return header;
}

describe('the cabinet encoder', () => {
  test('writes what the header says', () => {
    const cab = encodeCab({
      members: [
        { name: 'c\\27844060', data: bytes('core'), modified: new Date('2026-07-14T13:54:07Z') },
        { name: 'x\\27844060', data: bytes('extended'), modified: new Date('1980-01-01T00:00:00Z') },
        { name: 'l\\en\\été', data: bytes('localized') },
      ],
      compression: { lzx: 18 },
      folderOf: (index) => (index === 1 ? 1 : 0),
      reserve: { header: 20, folder: 2, data: 3 },
      trailing: bytes('signature'),
    });
    expect(headerOf(cab)).toEqual({
      size: cab.length - 'signature'.length,
      setId: 0,
      reserve: new Uint8Array(20),
      dataReserve: 3,
      folders: [0, 1].map(() => ({
        dataOffset: expect.any(Number),
        blocks: 1,
        compression: { method: 'lzx', windowBits: 18 },
      })),
      members: [
        {
          name: 'c\\27844060',
          size: 4,
          folder: 0,
          offset: 0,
          attributes: 0x20,
          modified: new Date('2026-07-14T13:54:06Z'),
        },
        { name: 'l\\en\\été', size: 9, folder: 0, offset: 4, attributes: 0xa0 },
        {
          name: 'x\\27844060',
          size: 8,
          folder: 1,
          offset: 0,
          attributes: 0x20,
          modified: new Date('1980-01-01T00:00:00Z'),
        },
      ],
    });
  });

  test('writes the same bytes each time', () => {
    const options = {
      members: [{ name: 'a', data: bytes('abcabcabc'.repeat(1000)) }],
      compression: { lzx: 21 },
    } as const;
    expect(encodeCab(options)).toEqual(encodeCab(options));
  });

  test('compresses', () => {
    const data = bytes('<Update UpdateId="…"><Prerequisites/></Update>'.repeat(2000));
    const size = (compression: 'mszip' | { lzx: 15 }) =>
      encodeCab({ members: [{ name: 'a', data }], compression }).length;
    expect(size({ lzx: 15 })).toBeLessThan(data.length / 50);
    expect(size('mszip')).toBeLessThan(data.length / 50);
  });

  test('data that does not compress hardly grows', () => {
    let state = 1;
    const data = Uint8Array.from({ length: 300_000 }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
    const cab = encodeCab({ members: [{ name: 'a', data }], compression: { lzx: 21 } });
    expect(cab.length - data.length).toBeLessThan(400);
  });

  test('refuses what no cabinet can hold', () => {
    const member = { name: 'a', data: bytes('a') };
    const encode = (options: Partial<Parameters<typeof encodeCab>[0]>) => () =>
      encodeCab({ members: [member], compression: 'stored', ...options });
    expect(encode({ members: [] })).toThrow('0 files; 1 to 65,535 go');
    expect(encode({ members: Array.from({ length: 65_536 }, () => member) })).toThrow('65536 files');
    expect(encode({ members: [{ ...member, name: 'n'.repeat(256) }] })).toThrow('a file name of 256 bytes');
    expect(encode({ members: [{ ...member, name: '' }] })).toThrow('a file name of 0 bytes');
    expect(encode({ members: [{ ...member, name: 'a\0b' }] })).toThrow('without NUL');
    expect(encode({ members: [{ ...member, modified: new Date('1979-12-31') }] })).toThrow('the year 1979');
    expect(encode({ folderOf: () => 1 })).toThrow('folder 0 has no file');
    expect(encode({ reserve: { data: 256 } })).toThrow('reserve.data is 256; 0 to 255 go');
    expect(encode({ compression: { lzx: 21, blockLength: 100 } })).toThrow('blockLength is 100');
  });
});
