import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signedCursors } from './cursor.ts';

const cursors = signedCursors(async () => 'a key');
const refused = expect.objectContaining({ name: 'StoreError', code: 'refused' });

describe('signed cursors', () => {
  it('open to what was sealed, for the same list and filter only', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), fc.string({ unit: 'grapheme' }), async (list, other, position) => {
        const cursor = await cursors.seal(list, position);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(await cursors.open(list, cursor)).toBe(position);
        if (other !== list) await expect(cursors.open(other, cursor)).rejects.toThrow(refused);
      }),
    );
  });

  it('are refused when anything of them was changed, and when another key sealed them', async () => {
    const cursor = await cursors.seal('list', 'position');
    const bytes = Buffer.from(cursor, 'base64url');
    for (let index = 0; index < bytes.length; index++) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      await expect(cursors.open('list', changed.toString('base64url'))).rejects.toThrow(refused);
      await expect(cursors.open('list', bytes.subarray(0, index).toString('base64url'))).rejects.toThrow(refused);
    }
    const others = signedCursors(async () => 'another key');
    await expect(others.open('list', cursor)).rejects.toThrow(refused);
    for (const made of ['', '!', 'eyJhIjoxfQ']) await expect(cursors.open('list', made)).rejects.toThrow(refused);
  });

  it('read their key once, and again when that failed', async () => {
    let reads = 0;
    const slow = signedCursors(async () => {
      reads += 1;
      if (reads === 1) throw new Error('not now');
      return 'a key';
    });
    await expect(slow.seal('list', 'position')).rejects.toThrow('not now');
    expect(await slow.open('list', await slow.seal('list', 'position'))).toBe('position');
    expect(reads).toBe(2);
  });
});
