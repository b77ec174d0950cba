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

/** What the tokenizer fills and a plan reads. */
export class AttributeList implements Attributes {
  readonly #table: NameTable;
  readonly #range: { buffer: Buffer; start: number; end: number } = { buffer: Buffer.alloc(0), start: 0, end: 0 };
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
    return end < 0 ? decodeValue(this.buffer, start, ~end) : this.buffer.toString('latin1', start, end);
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

  #find(name: string): number {
    const id = this.#table.idOf(name);
    if (id < 0) return -1;
    const ids = this.ids;
    for (let at = 0; at < this.count; at += 1) if (ids[at] === id) return at;
    return -1;
  }
}
