import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfGuid, bytesOfHex } from './hex.ts';
import { BytePool, guidOf, hexOf, TextPool, textAt } from './pools.ts';

const key = fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff));
/** Numbers by first use, as a map gives them. */
function numbered(values: readonly string[]): number[] {
  const numbers = new Map<string, number>();
  return values.map((value) => {
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    return number;
  });
}

describe('BytePool', () => {
  it('numbers keys by their first use, whatever its secret', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 60 }), key, (values, secret) => {
        const pool = new BytePool(4, secret);
        const keys = values.map((value) => Uint8Array.of(9, value, value >> 3, value, 9, 9));
        expect(keys.map((bytes) => pool.intern(bytes, 1))).toEqual(numbered(values.map(String)));
        expect(pool.count).toBe(new Set(values).size);
        expect([...pool.take()]).toEqual([...new Set(values)].flatMap((value) => [value, value >> 3, value, 9]));
      }),
    );
  });

  it('finds all keys again after it has grown', () => {
    const pool = new BytePool(4);
    const keyOf = (number: number): Uint8Array => new Uint8Array(Uint32Array.of(number * 977).buffer);
    for (let number = 0; number < 5000; number += 1) expect(pool.intern(keyOf(number))).toBe(number);
    for (let number = 0; number < 5000; number += 1) expect(pool.intern(keyOf(number))).toBe(number);
    expect(pool.view()).toHaveLength(20_000);
  });
});

describe('TextPool', () => {
  it('numbers texts by their first use, whatever its secret, and gives each back as it was', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((value) => value.isWellFormed());
    fc.assert(
      fc.property(fc.array(text, { maxLength: 40 }), key, (values, secret) => {
        const pool = new TextPool(secret);
        const numbers = values.map((value) => pool.intern(value));
        expect(numbers).toEqual(numbered(values));
        expect(numbers.map((number) => pool.get(number))).toEqual(values);
        const texts = pool.take();
        expect(numbers.map((number) => textAt(texts, number))).toEqual(values);
      }),
    );
  });

  it('finds all texts again after it has grown, given as texts or as bytes', () => {
    const pool = new TextPool();
    for (let number = 0; number < 3000; number += 1) expect(pool.intern(`text ${number}`)).toBe(number);
    for (let number = 0; number < 3000; number += 1) {
      const bytes = Buffer.from(`<text ${number}>`);
      expect(pool.internBytes(bytes, 1, bytes.length - 1)).toBe(number);
    }
    expect(pool.count).toBe(3000);
  });

  it('tells texts apart that differ in a byte order mark only, and does not lose it', () => {
    const pool = new TextPool();
    expect([pool.intern('\ufeffa.cab'), pool.intern('a.cab')]).toEqual([0, 1]);
    expect([pool.get(0), pool.get(1)]).toEqual(['\ufeffa.cab', 'a.cab']);
  });

  it('does not make a text of bytes that are not UTF-8', () => {
    expect(() => textAt({ ends: Uint32Array.of(1), bytes: Uint8Array.of(0xff) }, 0)).toThrow(TypeError);
  });
});

describe('hex and GUIDs', () => {
  const guid = '0123abcd-4567-89ef-0011-2233445566ff';
  const sixteen = new Uint8Array(16);

  it('are read and written', () => {
    expect(bytesOfGuid(guid, sixteen)).toBe(true);
    expect(guidOf(sixteen, 0)).toBe(guid);
    expect(bytesOfHex(guid.replaceAll('-', ''), sixteen, 16)).toBe(true);
    expect(hexOf(sixteen, 2, 3)).toBe('abcd45');
  });

  it.each([
    '',
    guid.toUpperCase(),
    guid.replaceAll('-', ''),
    `${guid}0`,
    guid.slice(1),
    guid.replaceAll('-', '0'),
    '0123abc-d4567-89ef-0011-2233445566ff',
    guid.replace('f', 'g'),
    guid.replace('f', 'ſ'),
  ])('%j is no GUID', (text) => expect(bytesOfGuid(text, sixteen)).toBe(false));

  it.each(['', '0', '0-01', '00-01', '-0001', '0001-', 'AB01', '00010', '000101', '0x01'])(
    '%j is not two bytes of hex',
    (text) => {
      expect(bytesOfHex(text, sixteen, 2)).toBe(false);
    },
  );
});
