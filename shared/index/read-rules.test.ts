import { describe, expect, it } from 'vitest';
import { packIndex } from '#test/kit/pack-slice.ts';
import { core, guid, packageXml, update } from '#test/kit/sound-index.ts';
import { readIndexWithRules } from './read-rules.ts';

const chunks = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
};
const rules = (inside: string): string =>
  `<ApplicabilityRules><IsInstalled>${inside}</IsInstalled></ApplicabilityRules>`;

describe('readIndexWithRules', () => {
  it('gives the rules by RevisionId beside the catalogue; of two fragments the one that index.xml names counts', async () => {
    const bytes = packIndex({
      packageXml: packageXml([5, 700, 701].map((id) => update({ id })).join('')),
      shards: [
        { rangeStart: 0, members: { 'c/5': core(5, rules('<True />')), 'c/700': core(700, rules('<False />')) } },
        { rangeStart: 700, members: { 'c/700': core(700, rules('<True />')), 'c/701': core(701), 'x/701': '<A />' } },
      ],
    });
    const read = await readIndexWithRules(chunks(bytes));
    expect(read.catalog.updates.get(700)?.updateId).toBe(guid(700));
    expect(read.rules.get(5)).toEqual({ isInstalled: { op: 'True' } });
    expect(read.rules.get(700)).toEqual({ isInstalled: { op: 'True' } });
    expect(read.rules.get(701)).toEqual({});
    expect(read.rules.get(9)).toBeUndefined();
  });

  it('says which fragment is wrong, and what a file is that is no index', async () => {
    const deep = `${'<Not>'.repeat(300)}${'</Not>'.repeat(300)}`;
    const broken = packIndex({
      packageXml: packageXml(update({ id: 5 })),
      shards: [{ rangeStart: 0, members: { 'c/5': core(5, rules(deep)) } }],
    });
    await expect(readIndexWithRules(chunks(broken))).rejects.toMatchObject({
      name: 'IndexError',
      message: expect.stringMatching(/^package2\.cab: c.5, byte \d+: .*nested more than 25\d/),
    });
    await expect(readIndexWithRules(chunks(Buffer.from('no cabinet'.repeat(9))))).rejects.toMatchObject({
      code: 'not-an-index',
    });
  });
});
