import { describe, expect, it } from 'vitest';
import { ColumnsBuilder } from './builder.ts';
import { ColumnarCatalog } from './columnar-catalog.ts';
import { guidOf, hexOf } from './pools.ts';

const about = { gaps: [], cabs: [] };
const sha1 = (byte: number): Uint8Array => new Uint8Array(20).fill(byte);
const guid = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);

/** Opens the row of an update that is nothing but its RevisionId. */
function open(builder: ColumnsBuilder, revisionId: number): void {
  builder.openUpdate({
    ...{ revisionId, guid: builder.guids.intern(guid(revisionId)), revision: 1, flags: 0, cab: 0 },
    ...{ created: builder.texts.intern('2026-07-14T17:00:00Z'), title: 0, classification: 0 },
  });
}

describe('ColumnsBuilder', () => {
  it('sorts files by their digests, and payloads refer to where they are then', () => {
    const builder = new ColumnsBuilder();
    open(builder, 1);
    for (const byte of [9, 3, 7, 3]) builder.pushPayload(builder.file(sha1(byte)), 0, 0);
    builder.closeUpdate();
    builder.describeFile(builder.file(sha1(7)), {
      size: 12_293_231_150,
      name: builder.texts.intern('a.cab') + 1,
      url: 0,
    });
    builder.describeFile(builder.file(sha1(9)), { sha256: new Uint8Array(32).fill(4), name: 0, url: 0 });
    expect(builder.fileCount).toBe(3);
    const { files, updates } = new ColumnarCatalog(builder.finish(about));
    const hex = (byte: number): string => hexOf(sha1(byte), 0, 20);
    expect([...files.keys()]).toEqual([3, 7, 9].map(hex));
    expect(updates.get(1)?.payload).toEqual([9, 3, 7, 3].map(hex));
    expect([...files.values()]).toEqual([
      { sha1: hex(3) },
      { sha1: hex(7), name: 'a.cab', size: 12_293_231_150 },
      { sha1: hex(9), sha256: '04'.repeat(32) },
    ]);
  });

  it('keeps the lists of each update apart', () => {
    const builder = new ColumnsBuilder();
    open(builder, 1);
    builder.prerequisites.push(2);
    for (const byte of [7, 8]) builder.prerequisites.push(builder.guids.intern(guid(byte)));
    builder.prerequisites.push(0);
    builder.closeUpdate();
    open(builder, 2);
    builder.bundledBy.push(1);
    builder.kbs.push(builder.texts.intern('5000001'));
    builder.closeUpdate();
    const { updates } = new ColumnarCatalog(builder.finish(about));
    expect(updates.get(1)).toMatchObject({
      prerequisites: [[guidOf(guid(7), 0), guidOf(guid(8), 0)], []],
      bundledBy: [],
      kbs: [],
    });
    expect(updates.get(2)).toMatchObject({ prerequisites: [], bundledBy: [1], kbs: ['5000001'] });
  });

  it('refuses rows that do not ascend', () => {
    const builder = new ColumnsBuilder();
    open(builder, 5);
    builder.closeUpdate();
    expect(() => open(builder, 5)).toThrow('RevisionId 5 after 5: not ascending');
  });
});
