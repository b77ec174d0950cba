import { describe, expect, it } from 'vitest';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { WasmInstance } from '#shared/cabinet/wasm/instance.ts';
import { packCab, packIndex } from '#test/kit/pack-slice.ts';
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

  it('keeps no rules of updates that the index does not list', async () => {
    const bytes = packIndex(
      {
        packageXml: packageXml(update({ id: 5 })),
        shards: [{ rangeStart: 0, members: { 'c/5': core(5, rules('<True />')), 'c/6': core(6, rules('<True />')) } }],
      },
      { order: (names) => names.toReversed() },
    );
    const read = await readIndexWithRules(chunks(bytes));
    expect([read.rules.get(5), read.rules.get(6)]).toEqual([{ isInstalled: { op: 'True' } }, undefined]);
  });

  it('bounds the rules of all updates together, those of unlisted ones and long ones included', async () => {
    const read = (maxRules: number, inside: string) =>
      readIndexWithRules(
        chunks(
          packIndex({
            packageXml: packageXml(update({ id: 5 })),
            shards: [{ rangeStart: 0, members: { 'c/5': core(5, inside), 'c/6': core(6, inside), 'c/7': core(7) } }],
          }),
        ),
        { maxRules },
      );
    const parent =
      '<parent buildCompare="EQ"><assemblyIdentity name="n" version="1" processorArchitecture="x86" /></parent>';
    const kept: readonly [string, number][] = [
      [rules('<And><True /><False /></And>'), 3],
      [rules(`<b.RegKeyExists Key="HKEY_LOCAL_MACHINE" Subkey="${'s'.repeat(1024)}" />`), 5],
      [
        `<ApplicabilityRules><Metadata><CbsPackageApplicabilityMetadata><assembly><package>${parent.repeat(2)}</package></assembly></CbsPackageApplicabilityMetadata></Metadata></ApplicabilityRules>`,
        2,
      ],
      [
        `<ApplicabilityRules><Metadata><m.MsiPatchMetadata><MsiPatch PatchGUID="{${guid(1)}}"><TargetProduct><TargetProductCode>{${guid(2)}}</TargetProductCode></TargetProduct></MsiPatch></m.MsiPatchMetadata></Metadata></ApplicabilityRules>`,
        1,
      ],
    ];
    for (const [inside, count] of kept) {
      await expect(read(2 * count, inside)).resolves.toBeDefined();
      await expect(read(2 * count - 1, inside)).rejects.toMatchObject({
        code: 'bad-value',
        message: expect.stringMatching(
          /^package2\.cab: c.6, byte \d+: the rules of all updates together are more than/,
        ),
      });
    }
  });

  it('reads two fragments that share their bytes', async () => {
    const fragment = Buffer.from(core(5, rules('<True />')));
    const names = ['c\\5', 'c\\6'];
    const shard = encodeCab({ members: names.map((name) => ({ name, data: fragment })), compression: 'mszip' });
    // The second of the CFFILE entries ([MS-CAB] 2.3) gets the place of the first.
    const view = new DataView(shard.buffer, shard.byteOffset, shard.byteLength);
    view.setUint32(view.getUint32(16, true) + 16 + 'c\\5'.length + 1 + 4, 0, true);
    const bytes = packCab({
      'index.xml':
        '<INDEX><CABLIST XOR="0"><CAB NAME="package.cab"/><CAB NAME="package2.cab" RANGESTART="0"/></CABLIST></INDEX>',
      'package.cab': packCab({ 'package.xml': packageXml(update({ id: 5 }) + update({ id: 6 })) }),
      'package2.cab': shard,
    });
    const read = await readIndexWithRules(chunks(bytes));
    expect(names.map((_, index) => read.rules.get(5 + index))).toEqual([
      { isInstalled: { op: 'True' } },
      { isInstalled: { op: 'True' } },
    ]);
  });

  it('gives its decoders back when the source breaks off', async () => {
    const bytes = packIndex({
      packageXml: packageXml(update({ id: 5 })),
      shards: [{ rangeStart: 0, members: { 'c/5': core(5, rules('<True />')) } }],
    });
    const brokenOff = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, bytes.length - 50);
      throw new Error('connection reset');
    };
    const read = () => expect(readIndexWithRules(brokenOff())).rejects.toThrow('connection reset');
    await read();
    const { made } = WasmInstance;
    for (let time = 0; time < 5; time += 1) await read();
    expect(WasmInstance.made).toBe(made);
  });
});
