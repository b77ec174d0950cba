import { expect, it } from 'vitest';
import { ColumnsBuilder } from './builder.ts';

it('keeps nothing of the files when it is finished', () => {
  const builder = new ColumnsBuilder();
  const sha1 = new Uint8Array(20);
  builder.describeFile(builder.file(sha1), { size: 1, name: 0, url: 0 });
  expect(builder.fileCount).toBe(1);
  expect(builder.finish({ gaps: [], cabs: [] }).files.known).toHaveLength(1);
  expect(builder.fileCount).toBe(0);
});
