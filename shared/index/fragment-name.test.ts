import { describe, expect, it } from 'vitest';
import { fragmentName } from './fragment-name.ts';

const member = (name: string) => {
  const bytes = Buffer.from(name);
  return { name, nameLength: bytes.length, nameByte: (at: number) => bytes[at] as number };
};

describe('the name of a fragment', () => {
  it.each([
    ['c\\1', 'core', 1, ''],
    ['C/0123', 'core', 123, ''],
    ['core\\4294967295', 'core', 4_294_967_295, ''],
    ['x/27844060', 'extended', 27_844_060, ''],
    ['Extended/7', 'extended', 7, ''],
    ['l\\en\\5', 'localized', 5, 'en'],
    ['L/ZH-CN/5', 'localized', 5, 'zh-cn'],
    ['localized\\de/6', 'localized', 6, 'de'],
    ['l/az/7', 'localized', 7, 'az'],
    ['l/za/8', 'localized', 8, 'za'],
    ['l/Fr/9', 'localized', 9, 'fr'],
  ])('%s is read', (name, kind, revisionId, language) => {
    expect(fragmentName(member(name))).toEqual({ kind, revisionId, language });
  });

  it.each([
    '',
    'c',
    'c/',
    '/1',
    'c/x',
    'c/1x',
    'c/-1',
    'c/4294967296',
    'c/00000000001',
    'c/1/2',
    'd/1',
    'e/1',
    'e\\en\\1',
    'corx/1',
    'cores/1',
    'l/1',
    'l/en/',
    'l/en/x',
    'l/e_/1',
    'l/{a/1',
    'l/é/1',
    'é/1',
    'l/en/é',
    's/1',
    'files/1',
    'package.xml',
  ])('%j is no fragment', (name) => {
    expect(fragmentName(member(name))).toBeUndefined();
  });
});
