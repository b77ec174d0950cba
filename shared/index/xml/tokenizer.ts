import { AttributeList, MAX_ATTRIBUTES } from './attributes.ts';
import {
  beginsName,
  CUT,
  codePointAt,
  INVALID,
  isCharacter,
  isInName,
  NAME_PART,
  NAME_START,
  PLAIN_STOP,
  SPACE,
  TEXT_STOP,
  utf8Length,
  VALUE_STOP,
} from './characters.ts';
import { checkDeclaration } from './declaration.ts';
import { referenced } from './decode.ts';
import { MarkupError } from './markup-error.ts';
import { NameTable } from './names.ts';

/** One tag, comment, instruction or CDATA section, in bytes. The longest tag of the samples has fewer than 3,000. */
const MAX_MARKUP_BYTES = 1 << 20;
export const MAX_DEPTH = 256;
const MAX_NAME_BYTES = 1024;
const MAX_REFERENCE_BYTES = 64;

/** Bytes taken in at a time: what the cabinet reader writes at most. */
const PIECE = 1 << 15;
/** The same of a document's first bytes: it may well be stopped within them, and then the others are not copied. */
const FIRST_PIECE = 1 << 11;
/** Zeros behind the data. They stop every scan, so that only the slow paths compare with the end. */
const PADDING = 4;

/** How text was written. */
export const PLAIN = 0;
export const ENCODED = 1;
export const CDATA = 2;
export type TextKind = typeof PLAIN | typeof ENCODED | typeof CDATA;

/** What the tokenizer reports to. */
export interface TokenHandler {
  /** Whether the text at hand is wanted. */
  readonly wantsText: boolean;
  /** A start tag; the attributes are in the tokenizer. `true`: stop, and drop the rest unread. */
  start(name: number, depth: number): boolean;
  /** An end tag, or the end of an empty element. */
  end(name: number, depth: number): void;
  /** A piece of text, `buffer[start, end)` of the tokenizer: ASCII that stands for itself, or to be decoded. */
  text(start: number, end: number, kind: TextKind): void;
}

const QUOTE = 0x22;
const AMPERSAND = 0x26;
const APOSTROPHE = 0x27;
const DASH = 0x2d;
const SLASH = 0x2f;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const QUESTION = 0x3f;
const EXCLAMATION = 0x21;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const RETURN = 0x0d;

/**
 * Cuts the bytes of one document after the other into tags and text, and checks that they are well-formed XML in UTF-8.
 *
 * Every chunk is copied into one buffer behind what was left over of the chunk before, so that markup is always in one
 * piece and all loops read the same array. Functions that return an index return CUT when the data ends too early.
 *
 * This file is long because the hot loops share the buffer: passing it around costs more than the work in between.
 */
export class Tokenizer {
  readonly names = new NameTable();
  readonly attributes: AttributeList;
  buffer = Buffer.alloc(2 * PIECE + PADDING);
  readonly #handler: TokenHandler;
  readonly #multiplier = this.names.multiplier;
  /** One root, and nothing but white space, comments and instructions around it. */
  readonly #whole: boolean;
  /** Numbers of the names of the open elements, the outermost at 1. */
  readonly #open = new Int32Array(MAX_DEPTH + 2);
  #depth = 0;
  /** The data is `buffer[at, end)`. */
  #at = 0;
  #end = 0;
  /** Offset of buffer[0] in the document. */
  #base = 0;
  /** Offset behind the byte order mark, -1 until it is known; a declaration may stand there. */
  #first = -1;
  #rooted = false;
  #stopped = false;
  /** The data begins with markup that was cut off; `sought` bytes of it are known not to hold its end. */
  #cut = false;
  #sought = 0;
  #quote = 0;
  /** The tag that each name occurred in last as that of an attribute, to find duplicates. */
  readonly #tagOf: Int32Array;
  #tag = 0;
  /** The name that {@link #name} has read. */
  #id = 0;
  /** By name: the one, plus one, that came after it last, as the name of the next tag or attribute; 0 for none. */
  readonly #tagAfter: Int32Array;
  readonly #attributeAfter: Int32Array;
  /** Name of the last start tag. */
  #lastTag = 0;

  constructor(handler: TokenHandler, whole: boolean) {
    this.#handler = handler;
    this.#whole = whole;
    this.attributes = new AttributeList(this.names, this.buffer);
    this.#tagOf = new Int32Array(this.names.starts.length);
    this.#tagAfter = new Int32Array(this.names.starts.length);
    this.#attributeAfter = new Int32Array(this.names.starts.length);
  }

  /** Whether the handler has stopped the document. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Bytes of the document before the token at hand. */
  get position(): number {
    return this.#base + this.#at;
  }

  /** Forgets the document at hand. */
  reset(): void {
    this.#at = 0;
    this.#end = 0;
    this.#base = 0;
    this.#first = -1;
    this.#depth = 0;
    this.#rooted = false;
    this.#stopped = false;
    this.#cut = false;
    if (this.#tag > 1 << 30) {
      this.#tag = 0;
      this.#tagOf.fill(0);
    }
  }

  /** @throws MarkupError, and what the handler throws */
  write(chunk: Uint8Array): void {
    const length = chunk.length;
    let most = this.#base === 0 && this.#end === 0 ? FIRST_PIECE : PIECE;
    for (let from = 0, until = 0; from < length && !this.#stopped; from = until) {
      until = Math.min(length, from + most);
      most = PIECE;
      this.#append(until - from === length ? chunk : chunk.subarray(from, until));
      if (this.#cut && !this.#isComplete()) continue;
      this.#cut = false;
      this.#scan();
    }
  }

  /** @throws MarkupError when the document is not complete */
  end(): void {
    if (this.#stopped) return;
    const at = this.#at;
    const left = this.#end > at ? (this.buffer[at] as number) : 0;
    if (left === LESS) throw this.#fault(at, 'the document ends within a tag, comment, instruction or CDATA section');
    if (left === AMPERSAND) throw this.#fault(at, 'the document ends within a reference');
    if (left >= 0x80) throw this.#fault(at, notUtf8);
    if (this.#depth > 0) {
      const name = this.names.textOf(this.#open[this.#depth] as number);
      throw this.#fault(this.#end, `the document ends within an element: <${clip(name)}> is unclosed`);
    }
    if (this.#whole && !this.#rooted) throw this.#fault(this.#end, 'the document has no root element');
  }

  #append(chunk: Uint8Array): void {
    const at = this.#at;
    let end = this.#end;
    if (at > 0) {
      if (at < end) this.buffer.copyWithin(0, at, end);
      this.#base += at;
      end -= at;
      this.#at = 0;
    }
    const needed = end + chunk.length + PADDING;
    if (needed > this.buffer.length) {
      const grown = Buffer.alloc(Math.max(needed, 2 * this.buffer.length));
      grown.set(this.buffer.subarray(0, end));
      this.buffer = grown;
      this.attributes.buffer = grown;
    }
    const buffer = this.buffer;
    buffer.set(chunk, end);
    end += chunk.length;
    buffer[end] = 0;
    buffer[end + 1] = 0;
    buffer[end + 2] = 0;
    buffer[end + 3] = 0;
    this.#end = end;
  }

  #scan(): void {
    const buffer = this.buffer;
    const end = this.#end;
    let at = this.#at;
    if (this.#first < 0) {
      at = this.#passByteOrderMark(at);
      if (this.#first < 0) return;
    }
    while (at < end) {
      if (buffer[at] !== LESS) {
        at = this.#whole && this.#depth === 0 ? this.#spaceAround(at) : this.#text(at);
        if (buffer[at] !== LESS) break;
      }
      this.#at = at;
      const next = buffer[at + 1] as number;
      let after: number;
      if (next === SLASH) after = this.#endTag(at);
      else if (NAME_START[next] === 1 || next >= 0x80) after = this.#startTag(at);
      else after = this.#otherMarkup(at);
      if (after < 0) {
        this.#cut = true;
        this.#sought = 1;
        this.#quote = 0;
        break;
      }
      if (after - at > MAX_MARKUP_BYTES) throw this.#tooLong(at);
      at = after;
      if (this.#stopped) break;
    }
    this.#at = at;
  }

  #startTag(at: number): number {
    const buffer = this.buffer;
    if (this.names.crowded) this.#forgetNames();
    const attributeAfter = this.#attributeAfter;
    let i = this.#name(at + 1, this.#tagAfter[this.#lastTag] as number);
    if (i < 0) return CUT;
    const name = this.#id;
    this.#tagAfter[this.#lastTag] = name + 1;
    this.#lastTag = name;
    let before = name;
    const attributes = this.attributes;
    const tagOf = this.#tagOf;
    this.#tag += 1;
    const tag = this.#tag;
    let count = 0;
    let empty = false;
    for (;;) {
      let byte = buffer[i] as number;
      if (byte === GREATER) break;
      if (byte === SLASH) {
        i += 1;
        if (buffer[i] !== GREATER) return this.#expected(i, '">" after "/"');
        empty = true;
        break;
      }
      if (SPACE[byte] !== 1) return this.#expected(i, 'white space, "/>" or ">" in a tag');
      do {
        i += 1;
        byte = buffer[i] as number;
      } while (SPACE[byte] === 1);
      if (byte === GREATER || byte === SLASH) continue;

      if (NAME_START[byte] !== 1 && byte < 0x80) return this.#expected(i, 'the name of an attribute');
      const nameStart = i;
      i = this.#name(i, attributeAfter[before] as number);
      if (i < 0) return CUT;
      const id = this.#id;
      attributeAfter[before] = id + 1;
      before = id;
      if (tagOf[id] === tag) {
        throw this.#fault(
          nameStart,
          `the attribute ${clip(this.names.textOf(id))} is a duplicate attribute of its tag`,
        );
      }
      tagOf[id] = tag;
      while (SPACE[buffer[i] as number] === 1) i += 1;
      if (buffer[i] !== EQUALS) return this.#expected(i, '"=" after the name of an attribute');
      do {
        i += 1;
        byte = buffer[i] as number;
      } while (SPACE[byte] === 1);
      if (byte !== QUOTE && byte !== APOSTROPHE) return this.#expected(i, 'a quoted value of an attribute');

      const quote = byte;
      i += 1;
      const start = i;
      while (VALUE_STOP[buffer[i] as number] === 0) i += 1;
      let valueEnd = i;
      if (buffer[i] !== quote) {
        i = this.#valueEnd(i, quote);
        if (i < 0) return CUT;
        valueEnd = ~i;
      }
      i += 1;
      if (count === MAX_ATTRIBUTES) {
        throw this.#fault(nameStart, `a tag has more than ${MAX_ATTRIBUTES} attributes`);
      }
      attributes.ids[count] = id;
      attributes.starts[count] = start;
      attributes.ends[count] = valueEnd;
      count += 1;
    }
    i += 1;
    attributes.count = count;

    const depth = this.#depth + 1;
    if (depth > MAX_DEPTH) throw this.#fault(at, `elements are nested more than ${MAX_DEPTH} deep`);
    if (depth === 1 && this.#whole) {
      if (this.#rooted) throw this.#fault(at, `<${clip(this.names.textOf(name))}> is a second root element`);
      this.#rooted = true;
    }
    this.#open[depth] = name;
    if (this.#handler.start(name, depth)) {
      this.#stopped = true;
    } else if (empty) {
      this.#handler.end(name, depth);
    } else {
      this.#depth = depth;
    }
    return i;
  }

  #endTag(at: number): number {
    const buffer = this.buffer;
    const depth = this.#depth;
    if (depth === 0) throw this.#fault(at, 'an unexpected close tag: no element is open');
    const names = this.names;
    const known = names.bytes;
    const name = this.#open[depth] as number;
    const last = names.ends[name] as number;
    let i = at + 2;
    for (let j = names.starts[name] as number; j < last; j += 1) {
      if (known[j] !== buffer[i]) return this.#wrongEndTag(at, i);
      i += 1;
    }
    if (buffer[i] !== GREATER) {
      const nameEnd = i;
      while (SPACE[buffer[i] as number] === 1) i += 1;
      if (buffer[i] !== GREATER) return this.#wrongEndTag(at, i === nameEnd ? nameEnd : i);
    }
    this.#handler.end(name, depth);
    this.#depth = depth - 1;
    return i + 1;
  }

  #wrongEndTag(at: number, i: number): number {
    if (i === this.#end) return CUT;
    let end = at + 2;
    while (NAME_PART[this.buffer[end] as number] === 1 || (this.buffer[end] as number) >= 0x80) end += 1;
    const got = this.buffer.toString('utf8', at + 2, end);
    const name = this.names.textOf(this.#open[this.#depth] as number);
    throw this.#fault(at, `an unexpected close tag: </${clip(got)}> where </${clip(name)}> was expected`);
  }

  /**
   * Reads a name into `#id`.
   *
   * @param guess number, plus one, of the name that it may well be; 0 for none
   * @returns the index behind it
   */
  #name(at: number, guess: number): number {
    const buffer = this.buffer;
    let i = at;
    if (guess !== 0) {
      const { bytes, starts, ends } = this.names;
      const last = ends[guess - 1] as number;
      let known = starts[guess - 1] as number;
      while (known < last && bytes[known] === buffer[i]) {
        known += 1;
        i += 1;
      }
      const next = buffer[i] as number;
      if (known === last && NAME_PART[next] === 0 && next < 0x80 && i !== this.#end) {
        this.#id = guess - 1;
        return i;
      }
      i = at;
    }
    const multiplier = this.#multiplier;
    let hash = 0;
    let byte = buffer[i] as number;
    while (NAME_PART[byte] === 1) {
      hash = (Math.imul(hash, multiplier) + byte) | 0;
      i += 1;
      byte = buffer[i] as number;
    }
    if (byte >= 0x80) {
      i = this.#uncommonNameEnd(at);
      if (i < 0) return CUT;
      hash = 0;
      for (let j = at; j < i; j += 1) hash = (Math.imul(hash, multiplier) + (buffer[j] as number)) | 0;
    }
    if (i === this.#end) return CUT;
    if (i - at > MAX_NAME_BYTES) throw this.#fault(at, `a name has more than ${MAX_NAME_BYTES} bytes`);
    this.#id = this.names.intern(buffer, at, i, hash);
    return i;
  }

  /** The end of a name with characters that are no ASCII. */
  #uncommonNameEnd(at: number): number {
    const buffer = this.buffer;
    for (let i = at; ; ) {
      const byte = buffer[i] as number;
      if (byte < 0x80) {
        if (NAME_PART[byte] !== 1) return i;
        i += 1;
        continue;
      }
      const point = this.#character(i);
      if (point === CUT) return CUT;
      if (!(i === at ? beginsName(point) : isInName(point)))
        throw this.#fault(i, `${named(point)} is not allowed in a name`);
      i += utf8Length(point);
    }
  }

  /** The index of the quote that ends the value, from where the value is no longer plain. */
  #valueEnd(at: number, quote: number): number {
    const buffer = this.buffer;
    for (let i = at; ; ) {
      while (VALUE_STOP[buffer[i] as number] === 0) i += 1;
      const byte = buffer[i] as number;
      if (byte === quote) return i;
      if (byte === AMPERSAND) {
        i = this.#reference(i);
        if (i < 0) return CUT;
      } else if (byte === LESS) {
        throw this.#fault(i, '"<" is not allowed in the value of an attribute');
      } else if (byte === QUOTE || byte === APOSTROPHE || SPACE[byte] === 1) {
        i += 1;
      } else {
        const point = this.#character(i);
        if (point === CUT) return CUT;
        i += utf8Length(point);
      }
    }
  }

  /** Passes over text, reporting it. @returns the index of the next markup, or of what must wait for more data */
  #text(at: number): number {
    const buffer = this.buffer;
    let i = at;
    let kind: TextKind = PLAIN;
    for (;;) {
      while (TEXT_STOP[buffer[i] as number] === 0) i += 1;
      const byte = buffer[i] as number;
      if (byte === LESS) break;
      if (byte === CLOSE_BRACKET) {
        const next = buffer[i + 1] as number;
        if (i + 1 === this.#end || (next === CLOSE_BRACKET && i + 2 === this.#end)) break;
        if (next === CLOSE_BRACKET && buffer[i + 2] === GREATER) throw this.#fault(i, '"]]>" is not allowed in text');
        i += 1;
        continue;
      }
      let after: number;
      if (byte === AMPERSAND) after = this.#reference(i);
      // A line end may be two bytes.
      else if (byte === RETURN) after = i + 1 === this.#end ? CUT : i + 1;
      else {
        const point = this.#character(i);
        after = point === CUT ? CUT : i + utf8Length(point);
      }
      if (after < 0) break;
      kind = ENCODED;
      i = after;
    }
    if (i > at && this.#handler.wantsText) {
      this.#at = at;
      this.#handler.text(at, i, kind);
    }
    return i;
  }

  /** Passes over what stands outside of the root of a whole document. */
  #spaceAround(at: number): number {
    const buffer = this.buffer;
    let i = at;
    while (SPACE[buffer[i] as number] === 1) i += 1;
    if (i === this.#end || buffer[i] === LESS) return i;
    if (this.#character(i) === CUT) return i;
    throw this.#fault(i, 'text data outside of root element');
  }

  /** The index after the reference at `at`. */
  #reference(at: number): number {
    const buffer = this.buffer;
    let i = at + 1;
    for (; buffer[i] !== 0x3b; i += 1) {
      const byte = buffer[i] as number;
      if (i === this.#end) return CUT;
      if (i - at > MAX_REFERENCE_BYTES || (NAME_PART[byte] !== 1 && byte !== 0x23)) {
        throw this.#fault(at, '"&" begins no entity reference; a literal one is written "&amp;"');
      }
    }
    const name = buffer.toString('latin1', at + 1, i);
    const character = referenced(name);
    if (character === undefined || !isCharacter(character.codePointAt(0) ?? 0)) {
      throw this.#fault(
        at,
        `&${name}; is an unknown entity or disallowed character, allowed are amp, lt, gt, quot, apos and characters`,
      );
    }
    return i + 1;
  }

  #otherMarkup(at: number): number {
    const buffer = this.buffer;
    const left = this.#end - at;
    const next = buffer[at + 1] as number;
    if (next === QUESTION) return this.#instruction(at);
    if (next !== EXCLAMATION) return this.#expected(at + 1, 'a name after "<"');
    if (left < 3) return CUT;
    if (buffer[at + 2] === DASH) {
      if (left < 4) return CUT;
      if (buffer[at + 3] === DASH) return this.#comment(at);
    } else if (buffer[at + 2] === OPEN_BRACKET) {
      const head = buffer.toString('latin1', at, Math.min(at + 9, this.#end));
      if (head === '<![CDATA[') return this.#cdata(at);
      if ('<![CDATA['.startsWith(head)) return CUT;
    }
    throw this.#fault(at, 'a document type declaration is refused, as is all "<!" but comments and CDATA sections');
  }

  #comment(at: number): number {
    const end = this.#plainEnd(at + 4, DASH, DASH);
    if (end < 0 || end + 2 === this.#end) return CUT;
    if (this.buffer[end + 2] !== GREATER) throw this.#fault(end, '"--" is not allowed in a comment');
    return end + 3;
  }

  #cdata(at: number): number {
    if (this.#depth === 0 && this.#whole) throw this.#fault(at, 'text data outside of root element');
    const start = at + 9;
    for (let i = start; ; i += 1) {
      const end = this.#plainEnd(i, CLOSE_BRACKET, CLOSE_BRACKET);
      if (end < 0 || end + 2 === this.#end) return CUT;
      if (this.buffer[end + 2] === GREATER) {
        if (end > start && this.#handler.wantsText) this.#handler.text(start, end, CDATA);
        return end + 3;
      }
      i = end;
    }
  }

  #instruction(at: number): number {
    const buffer = this.buffer;
    const byte = buffer[at + 2] as number;
    if (NAME_START[byte] !== 1 && byte < 0x80) return this.#expected(at + 2, 'the name of an instruction after "<?"');
    let nameEnd = at + 2;
    while (NAME_PART[buffer[nameEnd] as number] === 1) nameEnd += 1;
    if ((buffer[nameEnd] as number) >= 0x80) nameEnd = this.#uncommonNameEnd(at + 2);
    if (nameEnd < 0 || nameEnd === this.#end) return CUT;
    if (SPACE[buffer[nameEnd] as number] !== 1) {
      if (buffer[nameEnd] === QUESTION && nameEnd + 1 === this.#end) return CUT;
      if (buffer[nameEnd] !== QUESTION || buffer[nameEnd + 1] !== GREATER) {
        return this.#expected(nameEnd, 'white space or "?>" after the name of an instruction');
      }
    }
    const end = this.#plainEnd(nameEnd, QUESTION, GREATER);
    if (end < 0) return CUT;
    const name = buffer.toString('latin1', at + 2, nameEnd);
    if (name.toLowerCase() === 'xml') {
      if (name !== 'xml' || this.#base + at !== this.#first) {
        throw this.#fault(at, 'an XML declaration is allowed at the very start only');
      }
      const wrong = checkDeclaration(buffer.toString('utf8', nameEnd, end));
      if (wrong !== undefined) throw this.#fault(at, wrong);
    }
    return end + 2;
  }

  /** The index of the next two bytes `first`, `second`, from `at`; what is before them may be any character. */
  #plainEnd(at: number, first: number, second: number): number {
    const buffer = this.buffer;
    for (let i = at; ; ) {
      const byte = buffer[i] as number;
      if (byte === first && buffer[i + 1] === second) return i;
      if (PLAIN_STOP[byte] === 0) {
        i += 1;
        continue;
      }
      const point = this.#character(i);
      if (point === CUT) return CUT;
      i += utf8Length(point);
    }
  }

  /** The code point at `at`, checked, or CUT. Called for what is not plain, so at the end of the data too. */
  #character(at: number): number {
    if (at >= this.#end) return CUT;
    const byte = this.buffer[at] as number;
    const point = byte < 0x80 ? byte : codePointAt(this.buffer, at, this.#end);
    if (point === INVALID) throw this.#fault(at, notUtf8);
    if (point !== CUT && !isCharacter(point)) throw this.#fault(at, `${named(point)} is a disallowed character`);
    return point;
  }

  /** What to do when something else stands at `at` than must: wait for more data, or refuse. */
  #expected(at: number, what: string): number {
    const point = this.#character(at);
    if (point === CUT) return CUT;
    throw this.#fault(at, `${what} was expected, got ${named(point)}`);
  }

  /** Whether the markup that was cut off is complete now. Looks at each byte once, however small the chunks are. */
  #isComplete(): boolean {
    const { buffer } = this;
    const at = this.#at;
    const length = this.#end - at;
    // Too short to tell what it is, and cheap to try again.
    if (length < 16) return true;
    const rest = buffer.subarray(at, this.#end);
    let complete: boolean;
    if (buffer[at + 1] === EXCLAMATION || buffer[at + 1] === QUESTION) {
      const [mark, inside] =
        buffer[at + 1] === QUESTION ? instructionEnd : buffer[at + 2] === DASH ? commentEnd : cdataEnd;
      complete = rest.indexOf(mark, Math.max(inside, this.#sought - 2)) >= 0;
    } else {
      complete = this.#tagIsComplete(rest);
    }
    // What is complete may have other things behind it, but no more than the last piece.
    if (length > MAX_MARKUP_BYTES + (complete ? PIECE : 0)) throw this.#tooLong(at);
    this.#sought = length;
    return complete;
  }

  #tagIsComplete(rest: Uint8Array): boolean {
    let quote = this.#quote;
    for (let i = this.#sought; i < rest.length; i += 1) {
      const byte = rest[i] as number;
      if (quote !== 0) {
        if (byte === quote) quote = 0;
      } else if (byte === GREATER) {
        return true;
      } else if (byte === QUOTE || byte === APOSTROPHE) {
        quote = byte;
      }
    }
    this.#quote = quote;
    return false;
  }

  #passByteOrderMark(at: number): number {
    const mark = [0xef, 0xbb, 0xbf];
    for (let i = 0; i < 3; i += 1) {
      if (at + i === this.#end && i > 0) return at;
      if (this.buffer[at + i] !== mark[i]) {
        this.#first = 0;
        return at;
      }
    }
    this.#first = 3;
    return at + 3;
  }

  #forgetNames(): void {
    const open = Array.from(this.#open.subarray(1, this.#depth + 1), (id) => this.names.textOf(id));
    this.names.forget();
    for (const [i, name] of open.entries()) this.#open[i + 1] = this.names.add(name);
    this.#tagOf.fill(0);
    this.#tagAfter.fill(0);
    this.#attributeAfter.fill(0);
    this.#lastTag = 0;
  }

  #tooLong(at: number): MarkupError {
    return this.#fault(at, `a tag, comment, instruction or CDATA section has more than ${MAX_MARKUP_BYTES} bytes`);
  }

  #fault(at: number, what: string): MarkupError {
    return new MarkupError(this.#base + at, what);
  }
}

/** How markup ends, and how many bytes its beginning has, which are no part of that: `<!-->` is no whole comment. */
const instructionEnd = ['?>', 2] as const;
const commentEnd = ['-->', 4] as const;
const cdataEnd = [']]>', 9] as const;

const notUtf8 = 'the bytes are not UTF-8';

const clip = (name: string): string => (name.length > 80 ? `${name.slice(0, 80)}…` : name);

const named = (point: number): string =>
  point > 0x20 && point < 0x7f
    ? JSON.stringify(String.fromCodePoint(point))
    : `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
