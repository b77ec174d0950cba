import { describe, expect, it } from 'vitest';
import { guidOf } from '#shared/core/catalog/columns/pools.ts';
import { core, guid } from '#test/kit/sound-index.ts';
import { CoreFacts, coreFragment } from './core-fragment.ts';
import { Values } from './values.ts';
import { XmlReader } from './xml/index.ts';

function read(xml: string, whole: boolean) {
  const state = new CoreFacts(new Values(), { whole });
  const sink = new XmlReader('fragment', coreFragment).begin({ name: 'c/1', state });
  sink.write(Buffer.from(xml));
  const stopped = sink.done;
  sink.end();
  const { guid: number, revision, type, values } = state;
  return { updateId: number === -1 ? undefined : guidOf(values.guids.view(), number * 16), revision, type, stopped };
}

const identity = (id: number): string => `<UpdateIdentity UpdateID="${guid(id)}" RevisionNumber="${id}" />`;
const properties = (type: string): string => `<Properties UpdateType="${type}" />`;

describe('a core fragment', () => {
  it.each([
    ['two pairs', identity(1) + properties('Category') + identity(2) + properties('Software')],
    ['two identities in front', identity(1) + identity(2) + properties('Category')],
    ['two types in front', properties('Category') + properties('Software') + identity(1) + identity(2)],
  ])('with %s says what the first ones say, read to its end or not', (_what, xml) => {
    const expected = { updateId: guid(1), revision: 1, type: 'category' };
    expect(read(xml, false)).toEqual({ ...expected, stopped: true });
    expect(read(xml, true)).toEqual({ ...expected, stopped: false });
  });

  it('whose first type nobody knows has none', () => {
    const xml = properties('Gadget') + identity(1) + properties('Software');
    expect([read(xml, false).type, read(xml, true).type]).toEqual(['unknown', 'unknown']);
  });

  it('is looked at behind its front only when all of it is read', () => {
    const broken = `${core(5)}<And>`;
    expect(read(broken, false)).toMatchObject({ type: 'software', stopped: true });
    expect(() => read(broken, true)).toThrow(/c\/1, byte/);
  });
});
