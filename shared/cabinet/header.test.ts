import { describe, expect, test } from 'vitest';
import { type CabHeader, CabReader } from './index.ts';
import { encodeCab } from './testing/encode.ts';
import { cabErrorOf } from './testing/unpack.ts';

const plain = () =>
  encodeCab({
    members: ['a', 'b'].map((name) => ({ name, data: new TextEncoder().encode(name), modified: new Date(1e12) })),
    compression: 'stored',
  });

function changed(change: (view: DataView) => void): Uint8Array {
  const cab = plain();
  change(new DataView(cab.buffer));
  return cab;
}

function headerOf(cab: Uint8Array): CabHeader {
  const headers: CabHeader[] = [];
  new CabReader({ onHeader: (header) => void headers.push(header), onMember: () => undefined }).write(cab);
  const [header] = headers;
  if (header === undefined) throw new Error('no header was read');
  return header;
}

const errorOf = (cab: Uint8Array) => cabErrorOf(() => headerOf(cab));
/** The file table of the plain cabinet. */
const filesAt = 44;

describe('header', () => {
  test('the reserve is the application’s own', () => {
    const cab = encodeCab({
      members: [{ name: 'a', data: new Uint8Array(1) }],
      compression: 'stored',
      reserve: { header: 4 },
    });
    cab.set([1, 2, 3, 4], 40);
    const header = headerOf(cab);
    cab.fill(0);
    expect(header.reserve).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  test('the file table may stand behind a gap', () => {
    const cab = plain();
    const gap = 1000;
    const moved = Buffer.concat([cab.subarray(0, filesAt), Buffer.alloc(gap, 0xcc), cab.subarray(filesAt)]);
    for (const at of [8, 16, 36]) moved.writeUInt32LE(moved.readUInt32LE(at) + gap, at);
    expect(headerOf(moved).members.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test.each([
    [26, 0, 'bad-header', 'the cabinet has no folder'],
    [28, 0, 'bad-header', 'the cabinet has no file'],
    [30, 1, 'split-set', 'the cabinet is one of a set of several; only whole cabinets can be read'],
    [30, 2, 'split-set', 'the cabinet is one of a set of several; only whole cabinets can be read'],
    [16, 40, 'bad-header', 'the file table at byte 40 begins before the folder table ends'],
    [16, 9000, 'bad-header', 'the file table is said to begin at byte 9000 of a cabinet of 90'],
    [8, 35, 'bad-header', 'the cabinet says that it has 35 bytes, less than its header'],
    [8, 60, 'bad-header', 'the cabinet says that it has 60 bytes, less than its tables'],
  ])('16 bits at %i set to %i: %s, %s', (at, value, code, reason) => {
    expect(errorOf(changed((view) => view.setUint16(at, value, true)))).toMatchObject({ code, reason, offset: at });
  });
});

describe('file table', () => {
  test('times are UTC; impossible ones are absent', () => {
    const time = (date: number, time: number) =>
      headerOf(
        changed((view) => {
          view.setUint16(filesAt + 10, date, true);
          view.setUint16(filesAt + 12, time, true);
        }),
      ).members[0]?.modified;
    expect(time((46 << 9) | (7 << 5) | 14, (13 << 11) | (54 << 5) | 3)).toEqual(new Date('2026-07-14T13:54:06Z'));
    expect(time((127 << 9) | (12 << 5) | 31, (23 << 11) | (59 << 5) | 29)).toEqual(new Date('2107-12-31T23:59:58Z'));
    expect(time((48 << 9) | (2 << 5) | 29, 0)).toEqual(new Date('2028-02-29T00:00:00Z'));
    for (const [date, clock] of [
      [0, 0],
      [(46 << 9) | (2 << 5) | 29, 0],
      [(120 << 9) | (2 << 5) | 29, 0],
      [(46 << 9) | (4 << 5) | 31, 0],
      [(46 << 9) | (7 << 5), 0],
      [(46 << 9) | (13 << 5) | 1, 0],
      [(46 << 9) | (2 << 5) | 30, 0],
      [(46 << 9) | (7 << 5) | 14, 24 << 11],
      [(46 << 9) | (7 << 5) | 14, 60 << 5],
      [(46 << 9) | (7 << 5) | 14, 30],
    ] as const) {
      expect(time(date, clock)).toBeUndefined();
    }
  });

  test('names are UTF-8 when their entry says so, else Latin-1', () => {
    const cab = encodeCab({ members: [{ name: 'é\\ж', data: new Uint8Array(1) }], compression: 'stored' });
    expect(headerOf(cab).members[0]?.name).toBe('é\\ж');
    new DataView(cab.buffer).setUint16(filesAt + 14, 0x20, true);
    expect(headerOf(cab).members[0]?.name).toBe('Ã©\\Ð¶');
  });

  test('names have 1 to 255 bytes', () => {
    const named = (length: number) =>
      encodeCab({ members: [{ name: 'n'.repeat(length), data: new Uint8Array(300) }], compression: 'stored' });
    expect(headerOf(named(255)).members[0]?.name).toHaveLength(255);
    const long = named(255);
    long[filesAt + 16 + 255] = 0x6e;
    expect(errorOf(long)).toMatchObject({
      code: 'bad-header',
      offset: filesAt + 16,
      reason: 'file 0 of 1 has a name of more than 255 bytes',
    });
    expect(errorOf(changed((view) => view.setUint8(filesAt + 16, 0)))).toMatchObject({
      code: 'bad-header',
      reason: 'file 0 of 2 has an empty name',
    });
  });

  test('a folder that does not exist is refused, and one that goes on elsewhere is a split set', () => {
    const inFolder = (folder: number) => errorOf(changed((view) => view.setUint16(filesAt + 8, folder, true)));
    expect(inFolder(1)).toMatchObject({ code: 'bad-header', member: 'a', offset: filesAt + 8 });
    for (const continued of [0xfffd, 0xfffe, 0xffff]) {
      expect(inFolder(continued)).toMatchObject({ code: 'split-set', member: 'a', offset: filesAt + 8 });
    }
  });
});
