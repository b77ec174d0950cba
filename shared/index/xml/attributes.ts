import { decodeValue } from './decode.ts';
import type { NameTable } from './names.ts';

/** Bytes `buffer[start, end)`. */
export interface ByteRange {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

/** The attributes of one start tag; valid only during the call that gets them. */
export interface Attributes {
  /** The value, decoded; `undefined` when the tag has no such attribute. Each call decodes again. */
  get(name: string): string | undefined;
  /**
   * The bytes of the decoded value in UTF-8, without making a string of them, for values that occur a million times.
   * The range is one object that the next call overwrites.
   */
  bytes(name: string): ByteRange | undefined;
  /** In the order of the tag. */
  names(): string[];
}

/** More in one tag are refused. */
export const MAX_ATTRIBUTES = 256;

/** Values of up to so many bytes are mostly one of a few, again and again: `true`, `Product`, `en`. */
const SHORT = 32;
/** How many of them are kept. */
const KEPT = 256;

/** What the tokenizer fills and a plan reads. */
export class AttributeList implements Attributes {
  readonly #table: NameTable;
  readonly #range: { buffer: Buffer; start: number; end: number } = { buffer: Buffer.alloc(0), start: 0, end: 0 };
  /** Short values that were read last, by what they look like from afar. */
  readonly #short: string[] = new Array<string>(KEPT).fill('');
  /** Where the values are. */
  buffer: Buffer;
  count = 0;
  /** Numbers of the names. */
  readonly ids = new Int32Array(MAX_ATTRIBUTES);
  readonly starts = new Int32Array(MAX_ATTRIBUTES);
  /** Ends of the values; ~end when the value is not plain ASCII that stands for itself. */
  readonly ends = new Int32Array(MAX_ATTRIBUTES);

  constructor(table: NameTable, buffer: Buffer) {
    this.#table = table;
    this.buffer = buffer;
  }

  get(name: string): string | undefined {
    const at = this.#find(name);
    if (at < 0) return undefined;
    const start = this.starts[at] as number;
    const end = this.ends[at] as number;
    return end < 0 ? decodeValue(this.buffer, start, ~end) : this.#plain(start, end);
  }

  bytes(name: string): ByteRange | undefined {
    const at = this.#find(name);
    if (at < 0) return undefined;
    const range = this.#range;
    const end = this.ends[at] as number;
    if (end < 0) {
      range.buffer = Buffer.from(decodeValue(this.buffer, this.starts[at] as number, ~end));
      range.start = 0;
      range.end = range.buffer.length;
    } else {
      range.buffer = this.buffer;
      range.start = this.starts[at] as number;
      range.end = end;
    }
    return range;
  }

  names(): string[] {
    return Array.from(this.ids.subarray(0, this.count), (id) => this.#table.textOf(id));
  }

  /** Of bytes that stand for themselves. The string is the one that was made before, if it is kept. */
  #plain(start: number, end: number): string {
    const { buffer } = this;
    const length = end - start;
    if (length === 0 || length > SHORT) return buffer.toString('latin1', start, end);
    const place = ((buffer[start] as number) + 3 * (buffer[end - 1] as number) + 31 * length) % KEPT;
    const kept = this.#short[place] as string;
    if (kept.length === length) {
      let at = 0;
      while (at < length && kept.charCodeAt(at) === buffer[start + at]) at += 1;
      if (at === length) return kept;
    }
    const text = buffer.toString('latin1', start, end);
    this.#short[place] = text;
    return text;
  }

  #find(name: string): number {
    const id = this.#table.idOf(name);
    if (id < 0) return -1;
    const ids = this.ids;
    for (let at = 0; at < this.count; at += 1) if (ids[at] === id) return at;
    return -1;
  }
}
