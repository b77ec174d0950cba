import { expect, it } from 'vitest';
import { packCab } from '#test/kit/pack-slice.ts';
import { chunks, packageXml, update } from '#test/kit/sound-index.ts';
import { readIndex } from './read-index.ts';

/** An index whose titles, of a million bytes each, are just so many, all different. */
function withTitles(count: number): Uint8Array {
  const text = 'x'.repeat(1_000_000);
  const members: Record<string, string> = {};
  for (let id = 1; id <= count; id++) {
    members[`l\\en\\${id}`] = `<LocalizedProperties><Title>${id}${text}</Title></LocalizedProperties>`;
  }
  return packCab(
    {
      'index.xml':
        '<INDEX><CABLIST XOR="0"><CAB NAME="package.cab"/><CAB NAME="package2.cab" RANGESTART="0"/></CABLIST></INDEX>',
      'package.cab': packCab({ 'package.xml': packageXml(update({ id: 20 })) }, 'mszip'),
      'package2.cab': packCab(members, 'mszip'),
    },
    'mszip',
  );
}

it('reads 265 MB of texts, and refuses more than the 256 MiB that a column takes', { timeout: 120_000 }, async () => {
  // Growing by half each time, the column would stop at 259 MB.
  expect((await readIndex(chunks(withTitles(265)))).updates.get(20)?.title).toHaveLength(1_000_002);
  await expect(readIndex(chunks(withTitles(269)))).rejects.toMatchObject({
    name: 'IndexError',
    code: 'bad-layout',
    message: expect.stringMatching(/holds more than can be read: a column of \d+ bytes; up to 268435456 are possible/),
  });
});
