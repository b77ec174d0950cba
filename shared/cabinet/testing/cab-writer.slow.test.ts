import { expect, test } from 'vitest';
import { CabWriter } from './cab-writer.ts';

test('a written cabinet has no folder of more blocks than its table can say', () => {
  const writer = new CabWriter(
    { append: () => undefined, patch: () => undefined },
    { folders: [[{ name: 'a' }]], compression: 'stored', checksums: false },
  );
  const piece = new Uint8Array(2 ** 24);
  expect(() => {
    for (let i = 0; i < 129; i++) writer.write(piece);
  }).toThrow('folder 0 has more than 65535 blocks');
});
