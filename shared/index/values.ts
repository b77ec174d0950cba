import type { HashKey } from '#shared/core/catalog/columns/keyed-hash.ts';
import { BytePool, TextPool } from '#shared/core/catalog/columns/pools.ts';
import { secretHashKey } from './hash-key.ts';
import { IndexError } from './index-error.ts';
import type { Attributes, ByteRange } from './xml/index.ts';

const bad = (what: string, got: string | undefined, allowed: string): IndexError =>
  new IndexError(
    'bad-value',
    `${what} is ${got === undefined ? 'missing' : JSON.stringify(clip(got))}, allowed is ${allowed}`,
  );

const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

const hexValue = new Int8Array(256).fill(-1);
for (const [value, digits] of [
  '0',
  '1',
  '2',
  '3',
  '4',
  '5',
  '6',
  '7',
  '8',
  '9',
  'aA',
  'bB',
  'cC',
  'dD',
  'eE',
  'fF',
].entries()) {
  for (const digit of digits) hexValue[digit.charCodeAt(0)] = value;
}
const base64Value = new Int8Array(256).fill(-1);
for (const [value, digit] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  base64Value[digit.charCodeAt(0)] = value;
}
const hyphen = 0x2d;
const equals = 0x3d;

/**
 * Longest values, in bytes: what is stored by the row has 400 KB there, and what is longer than this is no date, no name
 * of a file on Windows and no address that a proxy would take. Real ones have 20, some 130 and some 200 bytes.
 */
const maxBytesOf: Readonly<Record<string, number>> = { CreationDate: 64, FileName: 1024, Url: 2048 };
const MAX_TEXT_BYTES = 1024;

/**
 * From the spellings of the index (GUIDs in either case, digests in base64) to numbers of pools, without a string for
 * each: a publication has some two million of them.
 */
export class Values {
  readonly guids: BytePool;
  readonly sha1s: BytePool;
  readonly texts: TextPool;
  readonly #scratch = new Uint8Array(32);
  /** Base64 of 32 bytes. */
  readonly #digits = new Uint8Array(44);

  constructor(key: HashKey = secretHashKey()) {
    this.guids = new BytePool(16, key);
    this.sha1s = new BytePool(20, key);
    this.texts = new TextPool(key);
  }

  /** To be called when all is read: frees some 4 MB that only adding GUIDs and digests needs. */
  seal(): void {
    this.guids.seal();
    this.sha1s.seal();
  }

  /** Frees the pools; nothing can be read then. */
  free(): void {
    this.guids.free();
    this.sha1s.free();
    this.texts.free();
  }

  /** @returns the GUID's number in `guids` @throws IndexError `bad-value` */
  guid(what: string, attributes: Attributes, name: string): number {
    const range = attributes.bytes(name);
    if (range === undefined || !parseGuid(range, this.guids.scratch)) throw bad(what, attributes.get(name), 'a GUID');
    return this.guids.internScratch();
  }

  /** @returns the digest's number in `sha1s` @throws IndexError `bad-value` */
  sha1(what: string, attributes: Attributes, name: string): number {
    const range = attributes.bytes(name);
    if (range === undefined || !parseBase64(range.buffer, range.start, range.end, this.sha1s.scratch, 20)) {
      throw bad(what, attributes.get(name), 'the base64 form of 20 bytes');
    }
    return this.sha1s.internScratch();
  }

  /** @returns 32 bytes, valid until the next call @throws IndexError `bad-value` */
  sha256(what: string, text: string): Uint8Array {
    const digits = this.#digits;
    const { length } = text;
    // What is no ASCII is no digit.
    if (length === digits.length) for (let i = 0; i < length; i++) digits[i] = Math.min(text.charCodeAt(i), 0xff);
    if (length !== digits.length || !parseBase64(digits, 0, length, this.#scratch, 32)) {
      throw bad(what, text, 'the base64 form of 32 bytes');
    }
    return this.#scratch;
  }

  /**
   * @returns the text's number in `texts`
   * @throws IndexError `bad-value` when it is missing, empty or longer than attributes of this name may be
   */
  text(what: string, attributes: Attributes, name: string): number {
    const range = attributes.bytes(name);
    const most = maxBytesOf[name] ?? MAX_TEXT_BYTES;
    if (range === undefined || range.start === range.end || range.end - range.start > most) {
      throw bad(what, attributes.get(name), `a text of 1 to ${most} bytes`);
    }
    return this.texts.internBytes(range.buffer, range.start, range.end);
  }
}

function parseGuid({ buffer, start, end }: ByteRange, into: Uint8Array): boolean {
  if (end - start !== 36) return false;
  let at = start;
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) {
      if (buffer[at++] !== hyphen) return false;
    }
    const high = hexValue[buffer[at++] as number] as number;
    const low = hexValue[buffer[at++] as number] as number;
    if (high < 0 || low < 0) return false;
    into[i] = (high << 4) | low;
  }
  return true;
}

/** Decodes base64 (RFC 4648) of just so many bytes, padding included. */
function parseBase64(bytes: Uint8Array, start: number, end: number, into: Uint8Array, length: number): boolean {
  if (end - start !== Math.ceil(length / 3) * 4) return false;
  const padding = (3 - (length % 3)) % 3;
  for (let i = end - padding; i < end; i++) if (bytes[i] !== equals) return false;
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = start; i < end - padding; i++) {
    const value = base64Value[bytes[i] as number] as number;
    if (value < 0) return false;
    bits = (bits << 6) | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    if (at < length) into[at++] = (bits >>> held) & 0xff;
  }
  return at === length;
}

/** A whole number from 0 up to `most`. @throws IndexError `bad-value` */
export function wholeNumber(what: string, attributes: Attributes, name: string, most: number): number {
  const range = attributes.bytes(name);
  if (range !== undefined) {
    const { buffer, start, end } = range;
    let number = end > start && end - start <= 16 ? 0 : Number.NaN;
    for (let i = start; i < end; i++) {
      const digit = (buffer[i] as number) - 0x30;
      number = digit >= 0 && digit <= 9 ? number * 10 + digit : Number.NaN;
    }
    if (number <= most) return number;
  }
  throw bad(what, attributes.get(name), `a whole number up to ${most}`);
}

/**
 * The number of an article, of a text that is one, with "KB" or "Q" before it or without. Rows and rules have five to
 * eight digits for it; real ones have six or seven.
 *
 * @returns its digits; `undefined` when it is none
 */
export const kbDigits = (text: string): string | undefined => /^(?:KB|Q)?(\d{5,8})$/i.exec(text)?.[1];

/** RevisionIds are 32-bit numbers; leading zeros are legal in member names. */
export const MAX_REVISION_ID = 0xffff_ffff;

/** One of several names, by what each means. @throws IndexError `bad-value` */
export function oneOf<T>(what: string, text: string | undefined, meanings: ReadonlyMap<string | undefined, T>): T {
  const meaning = meanings.get(text);
  if (meaning === undefined) {
    throw bad(what, text, [...meanings.keys()].filter((name) => name !== undefined).join(', '));
  }
  return meaning;
}
