/** One tag, comment or CDATA section, in characters. The longest tag of the samples has fewer than 3,000. */
export const MAX_MARKUP_CHARACTERS = 1 << 20;

/** Raised by {@link MarkupScanner}; the message is for people. */
export class MarkupError extends Error {
  override readonly name = 'MarkupError';
}

export interface MarkupHandler {
  /** A whole tag, comment, instruction or CDATA section. `true`: it opened an element that is to be passed over. */
  markup(markup: string): boolean;
  /** A piece of the text between two of them. */
  text(text: string): void;
}

/**
 * Cuts XML into markup and text, and passes over elements without looking at more of them than the balance of their
 * tags. That is several times faster than parsing, and a core fragment can hold a component manifest of 47 MB of which
 * the catalogue needs two elements. Nothing of what is passed over is kept.
 */
export class MarkupScanner {
  readonly #handler: MarkupHandler;
  /** Begun markup that the next piece goes on with. */
  #carry = '';
  /** Open elements inside the one that is passed over; -1 when none is. */
  #depth = -1;
  #position = 0;
  readonly #maxDepth: number;

  constructor(handler: MarkupHandler, maxDepth: number) {
    this.#handler = handler;
    this.#maxDepth = maxDepth;
  }

  /** Characters before the markup at hand. */
  get position(): number {
    return this.#position;
  }

  /** Forgets what was scanned: another document follows. */
  reset(): void {
    this.#carry = '';
    this.#depth = -1;
    this.#position = 0;
  }

  /** @throws MarkupError, and what the handler throws */
  scan(text: string): void {
    const input = this.#carry + text;
    this.#carry = '';
    let at = 0;
    while (at < input.length) {
      const start = input.indexOf('<', at);
      const textEnd = start === -1 ? input.length : start;
      if (textEnd > at) {
        if (this.#depth < 0) this.#handler.text(input.slice(at, textEnd));
        this.#position += textEnd - at;
      }
      if (start === -1) return;
      const end = markupEnd(input, start);
      if (end === -1) {
        if (input.length - start > MAX_MARKUP_CHARACTERS) throw tooLong();
        this.#carry = input.slice(start);
        return;
      }
      if (this.#depth >= 0) this.#passOver(input, start, end);
      if (this.#depth < 0 && this.#handler.markup(input.slice(start, end))) this.#depth = 0;
      this.#position += end - start;
      at = end;
    }
  }

  /** @throws MarkupError when the document ends too early */
  end(): void {
    if (this.#carry !== '') throw new MarkupError('the document ends within a tag');
    if (this.#depth >= 0) throw new MarkupError('the document ends within an element');
  }

  /** The end tag of the element itself brings the depth to -1 and so goes to the handler. */
  #passOver(input: string, start: number, end: number): void {
    switch (input.charCodeAt(start + 1)) {
      case EXCLAMATION:
      case QUESTION:
        return;
      case SLASH:
        this.#depth -= 1;
        return;
      default:
        if (input.charCodeAt(end - 2) === SLASH) return;
        this.#depth += 1;
        if (this.#depth > this.#maxDepth) {
          throw new MarkupError(`elements are nested more than ${this.#maxDepth} deep`);
        }
    }
  }
}

export const tooLong = (): MarkupError => new MarkupError(`a tag has more than ${MAX_MARKUP_CHARACTERS} characters`);

const EXCLAMATION = 0x21;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const SLASH = 0x2f;
const GREATER = 0x3e;
const QUESTION = 0x3f;

/** Index after the markup that begins at `at`, or -1 when the input ends before it does. */
function markupEnd(input: string, at: number): number {
  const next = input.charCodeAt(at + 1);
  if (next === QUESTION) return indexAfter(input, '?>', at + 2);
  if (next === EXCLAMATION) {
    if (input.startsWith('<!--', at)) return indexAfter(input, '-->', at + 4);
    if (input.startsWith('<![CDATA[', at)) return indexAfter(input, ']]>', at + 9);
    const head = input.slice(at, at + 9);
    if ('<!--'.startsWith(head) || '<![CDATA['.startsWith(head)) return -1;
    throw new MarkupError('a document type declaration is refused');
  }
  // A '>' inside a quoted attribute value does not end the tag.
  let quote = 0;
  for (let i = at + 1; i < input.length; i += 1) {
    const code = input.charCodeAt(i);
    if (quote !== 0) {
      if (code === quote) quote = 0;
    } else if (code === GREATER) {
      return i + 1;
    } else if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE) {
      quote = code;
    }
  }
  return -1;
}

function indexAfter(input: string, mark: string, from: number): number {
  const found = input.indexOf(mark, from);
  return found === -1 ? -1 : found + mark.length;
}
