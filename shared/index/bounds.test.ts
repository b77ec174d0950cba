/** Small files that ask for much: what they may ask for is bounded. */
import { describe, expect, it } from 'vitest';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { WasmInstance } from '#shared/cabinet/wasm/instance.ts';
import { type Members, packCab, packIndex } from '#test/kit/pack-slice.ts';
import { base64, chunks, core, guid, packageXml, sound, update } from '#test/kit/sound-index.ts';
import { IndexExaminer } from './examine-index.ts';
import { readIndex, readPublication } from './read-index.ts';

const title = (text: string): string => `<LocalizedProperties><Title>${text}</Title></LocalizedProperties>`;
const indexOf = (members: Members, inside = ''): Uint8Array =>
  packIndex({ packageXml: packageXml(update({ id: 20, inside })), shards: [{ rangeStart: 0, members }] });
const message = (bytes: Uint8Array): Promise<string> =>
  readIndex(chunks(bytes)).then(
    () => 'it was accepted',
    (error) => `${error.code}: ${error.message}`,
  );

/** A cabinet of which the last `shared` members name the same bytes, as tools write that store equal files once. */
function sharing(members: readonly { readonly name: string; readonly data: Uint8Array }[], shared: number): Uint8Array {
  const first = members.length - shared;
  const cab = encodeCab({
    members: members.map(({ name, data }, index) => ({ name, data: index <= first ? data : new Uint8Array() })),
    compression: 'mszip',
  });
  const view = new DataView(cab.buffer, cab.byteOffset, cab.byteLength);
  // CFFILE entries ([MS-CAB]): length, place in the folder, eight bytes of other things, and the name.
  let entry = view.getUint32(16, true);
  let [length, place] = [0, 0];
  for (const [index, { name }] of members.entries()) {
    if (index === first) [length, place] = [view.getUint32(entry, true), view.getUint32(entry + 4, true)];
    if (index >= first) {
      view.setUint32(entry, length, true);
      view.setUint32(entry + 4, place, true);
    }
    entry += 16 + name.length + 1;
  }
  return cab;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('members that are the same bytes', () => {
  const fragments = (count: number): Uint8Array =>
    packCab({
      'index.xml':
        '<INDEX><CABLIST XOR="0"><CAB NAME="package.cab"/><CAB NAME="package2.cab" RANGESTART="0"/></CABLIST></INDEX>',
      'package.cab': packCab({ 'package.xml': packageXml(update({ id: 5 }) + update({ id: 6 })) }),
      'package2.cab': sharing(
        numbers(count).map((id) => ({ name: `c\\${id + 5}`, data: Buffer.from(core(5)) })),
        count,
      ),
    });
  const cabinets = (count: number): Uint8Array => {
    const names = numbers(count).map((number) => `package${number + 2}.cab`);
    const list = names.map((name) => `<CAB NAME="${name}"/>`).join('');
    return sharing(
      [
        { name: 'index.xml', data: Buffer.from(`<INDEX><CABLIST><CAB NAME="package.cab"/>${list}</CABLIST></INDEX>`) },
        { name: 'package.cab', data: packCab({ 'package.xml': sound.packageXml }) },
        ...names.map((name) => ({ name, data: packCab({ 'e\\1': 'licence' }) })),
      ],
      count,
    );
  };

  it('are read, when they are a handful', async () => {
    const catalog = await readIndex(chunks(fragments(16)));
    expect([...catalog.updates.values()].map(({ type }) => type)).toEqual(['software', 'software']);
    expect((await readIndex(chunks(cabinets(16)))).updates.size).toBe(4);
  });

  it('are refused beyond that, before a parser or decoder is made for each', async () => {
    expect(await message(fragments(17))).toMatch(
      /^bad-layout: package2\.cab: more than 16 of its members are the same bytes, c\\21/,
    );
    expect(await message(cabinets(17))).toMatch(/^bad-layout: the index: more than 16 .*package18\.cab/);
    expect(() => new IndexExaminer().write(cabinets(17))).toThrow(/more than 16/);
  });
});

describe('languages of titles', () => {
  const inLanguages = (count: number): Members =>
    Object.fromEntries(numbers(count).map((number) => [`l/aa-${number}/7`, title('t')]));

  it('are bounded, and kept in one table', async () => {
    // English is the 200th.
    expect(await message(indexOf(inLanguages(199)))).toBe('it was accepted');
    expect(await message(indexOf(inLanguages(200)))).toMatch(
      /^bad-layout: titles are in more than 200 languages, aa-199/,
    );
  });

  it('are told from other directories', async () => {
    const { skipped } = await readPublication(chunks(indexOf({ 'l/x1/20': title('a'), 'l/en us/20': title('b') })));
    expect(skipped).toEqual([{ name: 'l/', members: 2 }]);
  });
});

describe('lists of one update', () => {
  it.each<[string, string, RegExp]>([
    [
      'files',
      `<Files>${`<File Digest="${base64('a')}" FileName="a" Size="1"/>`.repeat(10_001)}</Files>`,
      /^bad-value: package2\.cab: x\/20, byte \d+: an update describes more than 10000 files/,
    ],
    [
      'CVEs',
      `<ExtendedProperties>${numbers(1001)
        .map((number) => `<CveID>CVE-${number}</CveID>`)
        .join('')}</ExtendedProperties>`,
      /^bad-value: package2\.cab: x\/20, byte \d+: an update names more than 1000 /,
    ],
  ])('of %s are bounded', async (_what, xml, expected) => {
    expect(await message(indexOf({ 'x/20': xml }))).toMatch(expected);
  });

  it('of prerequisites cost four bytes for each number', async () => {
    const count = 300_000;
    const bytes = indexOf(
      { 'e/1': 'licence' },
      `<Prerequisites>${`<UpdateId Id="${guid(5)}"/>`.repeat(count)}</Prerequisites>`,
    );
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    const onProgress = (): void => {
      most = Math.max(most, process.memoryUsage().heapUsed - before);
    };
    const catalog = await readIndex(chunks(bytes, 256), { onProgress });
    expect(catalog.updates.get(20)?.prerequisites).toHaveLength(count);
    // As an array each it was some 25 MB.
    expect(most).toBeLessThan(15_000_000);
  });
});

it('counts passed-over members of a hundred names, and all others together', async () => {
  const members = Object.fromEntries(numbers(150).map((number) => [`file${number}`, 'a']));
  const { skipped } = await readPublication(chunks(indexOf({ ...members, 'file3/a': 'b' })));
  expect(skipped).toHaveLength(101);
  expect(skipped.at(-1)).toEqual({ name: '(others)', members: 51 });
});

describe('a reading that breaks off', () => {
  const half = packIndex(sound, { compression: { lzx: 21 } });
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield half.subarray(0, half.length - 200);
    throw new TypeError('connection reset');
  };
  const madeBy = async (run: () => Promise<void>): Promise<number> => {
    await run();
    const before = WasmInstance.made;
    for (let i = 0; i < 5; i++) await run();
    return WasmInstance.made - before;
  };

  it('gives its decoders back', async () => {
    const made = await madeBy(() => expect(readIndex(broken())).rejects.toThrow('connection reset'));
    expect(made).toBe(0);
  });

  it('gives them back when it was only examined, and told so', async () => {
    const made = await madeBy(async () => {
      const examiner = new IndexExaminer();
      examiner.write(half.subarray(0, half.length - 200));
      examiner.abort();
    });
    expect(made).toBe(0);
  });
});
