import { expect, it } from 'vitest';
import { pagesOf } from './pages.ts';

const read =
  (nexts: Readonly<Record<string, string | undefined>>) =>
  async ({ cursor }: { readonly cursor: string | undefined }) => {
    const next = nexts[cursor ?? 'first'];
    return { cursor, ...(next !== undefined && { next }) };
  };

it('goes from page to page to the last', async () => {
  const cursors = [];
  for await (const page of pagesOf(read({ first: 'a', a: 'b' }))) cursors.push(page.cursor);
  expect(cursors).toEqual([undefined, 'a', 'b']);
});

it('does not go round in circles', async () => {
  const all = async () => {
    for await (const _ of pagesOf(read({ first: 'a', a: 'a' })));
  };
  await expect(all()).rejects.toMatchObject({ code: 'bad-answer' });
});
