import { describe, expect, it } from 'vitest';
import { packCab, packIndex } from '#test/kit/pack-slice.ts';
import {
  base64,
  chunks,
  core,
  file,
  guid,
  lowShard,
  packageXml,
  shards,
  sound,
  update,
} from '#test/kit/sound-index.ts';
import { IndexError, type IndexErrorCode } from './index-error.ts';
import { readIndex } from './read-index.ts';

async function refusal(bytes: Uint8Array): Promise<{ code: IndexErrorCode; message: string; cause: unknown }> {
  try {
    await readIndex(chunks(bytes));
  } catch (error) {
    if (error instanceof IndexError) return { code: error.code, message: error.message, cause: error.cause };
    throw error;
  }
  throw new Error('the index was accepted');
}

describe('what is no sound index', () => {
  const withList = (updates: string, locations = ''): Uint8Array =>
    packIndex({ ...sound, packageXml: packageXml(updates, locations) });
  const withFragment = (name: string, xml: string): Uint8Array =>
    packIndex({ ...sound, shards: [{ rangeStart: 0, members: { ...lowShard, [name]: xml } }, ...shards.slice(1)] });
  const packed = packIndex(sound);
  const inner = packCab({ 'package.xml': sound.packageXml });

  it.each<[string, () => Uint8Array, IndexErrorCode, RegExp]>([
    ['an empty file', () => new Uint8Array(), 'not-an-index', /empty/],
    ['a text', () => Buffer.from('hello, world'.repeat(9)), 'not-an-index', /MSCF/],
    ['a cabinet of something else', () => packCab({ 'a.txt': 'a' }), 'not-an-index', /but a\.txt/],
    ['an .msu', () => packCab({ 'WSUSSCAN.cab': packed, 'a.cab': 'a' }), 'not-an-index', /update package \(\.msu\)/],
    ['an export of a WSUS', () => packCab({ 'package.xml': sound.packageXml }), 'not-an-index', /export of a WSUS/],
    ['a cut file', () => packed.slice(0, packed.length - 100), 'bad-cab', /the index/],
    ['an inner cabinet that is none', () => packCab({ 'package.cab': 'hello, world' }), 'bad-cab', /package\.cab/],
    ['a cut inner cabinet', () => packCab({ 'package.cab': inner.slice(0, -20) }), 'bad-cab', /package\.cab/],
    [
      'package.cab without package.xml',
      () => packCab({ 'package.cab': packCab({ 'core\\1': core(1) }) }),
      'bad-layout',
      /package\.xml/,
    ],
    [
      'numbered cabinets without index.xml',
      () => packCab({ 'package.cab': inner, 'package2.cab': packCab({ 'c\\1': core(1) }) }),
      'bad-layout',
      /no index\.xml/,
    ],
    [
      'a cabinet that index.xml lists and the file lacks',
      () => packIndex(sound, { order: (names) => names.filter((name) => name !== 'package3.cab') }),
      'bad-layout',
      /package3\.cab, which is missing/,
    ],
    [
      'a cabinet that index.xml does not list',
      () =>
        packCab({
          'index.xml': '<INDEX><CABLIST XOR="0"><CAB NAME="package.cab"/></CABLIST></INDEX>',
          'package.cab': inner,
          'package9.cab': packCab({ 'x\\5': '' }),
        }),
      'bad-layout',
      /does not list package9\.cab/,
    ],
    [
      'index.xml twice',
      () =>
        packCab({
          'index.xml': '<INDEX><CABLIST XOR="0"><CAB NAME="package.cab"/></CABLIST></INDEX>',
          'INDEX.XML': '<INDEX/>',
          'package.cab': inner,
        }),
      'bad-layout',
      /index\.xml twice/,
    ],
    [
      'package.xml twice, though the second is another document',
      () => withFragment('package.xml', '<Other/>'),
      'bad-layout',
      /package\.xml twice, now in package2\.cab/,
    ],
    [
      'a core fragment twice in one cabinet',
      () => withFragment('core/5', core(6)),
      'bad-layout',
      /package2\.cab: core\/5 is in its cabinet twice/,
    ],
    [
      'an extended fragment twice in the second cabinet that has it',
      () =>
        packIndex({
          ...sound,
          shards: [
            { rangeStart: 0, members: lowShard },
            { rangeStart: 627, members: { 'x/20': '', 'X/20': '' } },
          ],
        }),
      'bad-layout',
      /package3\.cab: x\/20 is in its cabinet twice/,
    ],
    [
      'a title twice in one cabinet',
      () => withFragment('L/EN/5', '<LocalizedProperties><Title>Windows 13</Title></LocalizedProperties>'),
      'bad-layout',
      /package2\.cab: l\/en\/5 is in its cabinet twice/,
    ],
    [
      'scrambled members',
      () =>
        packCab({
          'index.xml': '<INDEX><CABLIST XOR="7"><CAB NAME="package.cab"/></CABLIST></INDEX>',
          'package.cab': inner,
        }),
      'bad-layout',
      /XOR/,
    ],
    [
      'a path in index.xml',
      () =>
        packCab({
          'index.xml': '<INDEX><CABLIST><CAB NAME="..\\package.cab"/></CABLIST></INDEX>',
          'package.cab': inner,
        }),
      'bad-value',
      /index\.xml.*CAB NAME/,
    ],
    [
      'a cabinet in index.xml whose name no cabinet of an index has',
      () =>
        packCab({
          'index.xml': '<INDEX><CABLIST><CAB NAME="updates2.cab"/></CABLIST></INDEX>',
          'package.cab': inner,
          'updates2.cab': inner,
        }),
      'bad-value',
      /index\.xml.*CAB NAME is "updates2\.cab", allowed are package\.cab/,
    ],
    [
      'a cabinet of something else whose name plays tricks',
      () => packCab({ '\u202ebac.\u001b[2J\n': 'a' }),
      'not-an-index',
      /but "\\u202ebac\.\\u001b\[2J\\n"$/,
    ],
    [
      'package.xml that is not well-formed',
      () => withList('<Update'),
      'bad-xml',
      /package\.cab: package\.xml, byte \d+/,
    ],
    [
      'a document type',
      () => withFragment('c/5', '<!DOCTYPE a><UpdateIdentity/>'),
      'bad-xml',
      /package2\.cab: c\/5.*document type/,
    ],
    ['a cut fragment', () => withFragment('x/5', '<ExtendedProperties>'), 'bad-xml', /package2\.cab: x\/5/],
    ['a RevisionId twice', () => withList(update({ id: 5 }) + update({ id: 5 })), 'bad-value', /listed twice/],
    [
      'an UpdateId that is no GUID',
      () => withList(update({ id: 5 }).replace(guid(5), 'x')),
      'bad-value',
      /UpdateId is "x"/,
    ],
    [
      'a RevisionId beyond 32 bits',
      () => withList(update({ id: 5 }).replace('RevisionId="5"', 'RevisionId="4294967296"')),
      'bad-value',
      /RevisionId/,
    ],
    [
      'an unknown action',
      () => withList(update({ id: 5, attributes: 'DeploymentAction="Uninstall"' })),
      'bad-value',
      /Install, Bundle, Evaluate/,
    ],
    [
      'a digest of the wrong length',
      () => withList('', `<FileLocation Id="${base64('a', 'sha256')}" Url="http://a/" />`),
      'bad-value',
      /20 bytes/,
    ],
    [
      'a SHA-256 of the wrong length',
      () => withFragment('x/5', `<Files>${file('a', 1).replace(base64('a', 'sha256'), base64('a'))}</Files>`),
      'bad-value',
      /package2\.cab: x\/5.*32 bytes/,
    ],
    [
      'another digest algorithm',
      () => withFragment('x/5', `<Files>${file('a', 1).replace('"SHA1"', '"MD5"')}</Files>`),
      'bad-value',
      /SHA1/,
    ],
    [
      'a size that is no number',
      () => withFragment('x/5', `<Files>${file('a', -1)}</Files>`),
      'bad-value',
      /Size is "-1"/,
    ],
  ])('%s', async (_name, make, code, message) => {
    const error = await refusal(make());
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });

  it('says why a cabinet is damaged', async () => {
    const damaged = packed.slice();
    damaged.fill(0xff, 200, 260);
    const { code, cause } = await refusal(damaged);
    expect(code).toBe('bad-cab');
    expect(cause).toMatchObject({ name: 'CabError' });
  });

  it('leaves faults of the source alone', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield packed.slice(0, 100);
      throw new TypeError('connection reset');
    };
    await expect(readIndex(broken())).rejects.toThrow(TypeError);
  });
});
