import { describe, expect, it } from 'vitest';
import { bytes, createNarrator, plural } from './narrator.ts';

describe('the narrator', () => {
  it('writes who and when before each text, and indents further lines', () => {
    const lines: string[] = [];
    let now = 1000;
    const narrator = createNarrator(
      (line) => lines.push(line),
      () => now,
    );
    now = 13_340;
    narrator.say('sync', 'one\ntwo');
    expect(lines.join('')).toBe('  12.3  sync       one\n                   two\n');
  });

  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1.0 kB'],
    [341_019, '341 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [5_650_000, '5.7 MB'],
    [13e12, '13 TB'],
    [5e16, '50000 TB'],
  ])('%d bytes are %s', (count, text) => {
    expect(bytes(count)).toBe(text);
  });

  it('counts', () => {
    expect([plural(1, 'file'), plural(0, 'file'), plural(136_478, 'update')]).toEqual([
      '1 file',
      '0 files',
      '136,478 updates',
    ]);
  });
});
