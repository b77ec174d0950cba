/**
 * Reading XML from a stream of bytes, of which only a small part is wanted.
 *
 * saxes parses, strictly, what a plan of elements asks for; what the plan does not name is passed over without being
 * parsed, only its tags are balanced. That matters: a core fragment can hold a component manifest of 47 MB, of which
 * the catalogue needs two elements. Nothing is kept of what was passed over, so memory does not grow with the input.
 *
 * DOCTYPE is refused (Microsoft's index has none, and entities are the classic way to make a parser run wild).
 */
import { SaxesParser, type SaxesTagPlain } from 'saxes';
import type { ByteSink } from '#shared/cabinet/index.ts';
import { IndexError } from './index-error.ts';

/** One tag, comment or CDATA section, in characters. The longest tag of the samples has fewer than 3,000. */
const MAX_MARKUP_CHARACTERS = 1 << 20;
/** Text of one wanted element, in characters. */
const MAX_TEXT_CHARACTERS = 1 << 20;
const MAX_DEPTH = 256;
const MAX_ATTRIBUTES = 256;

export type Attributes = Readonly<Record<string, string>>;

/** What is wanted of an element. `state` is what one document is read into. */
export interface ElementPlan<State> {
  /** Called at the start tag. `'skip'` passes over what is inside. */
  readonly open?: (state: State, attributes: Attributes) => 'skip' | undefined;
  /** Called at the end tag with the element's own text (that of its children is not in it). */
  readonly text?: (state: State, text: string) => void;
  readonly children?: ElementPlans<State>;
  /** Told the name of a child that `children` does not list, before it is passed over. */
  readonly otherChild?: (state: State, name: string) => void;
}
export type ElementPlans<State> = ReadonlyMap<string, ElementPlan<State>>;

/** Names to plans. A Map, because an element may be called `constructor`. */
export const elements = <State>(plans: Readonly<Record<string, ElementPlan<State>>>): ElementPlans<State> =>
  new Map(Object.entries(plans));

export interface XmlReaderOptions<State> {
  /** Name of the member, for messages. */
  readonly name: string;
  readonly plans: ElementPlans<State>;
  readonly state: State;
  /** True when the document is several sibling elements without a root. */
  readonly fragment: boolean;
  /** Called when the document is complete and well-formed. */
  readonly done?: (state: State) => void;
}

/**
 * A sink for the UTF-8 bytes of one document, in chunks of any size.
 *
 * @throws IndexError `bad-xml` from `write` and `end`
 */
export class XmlReader<State> implements ByteSink {
  readonly #options: XmlReaderOptions<State>;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #parser: SaxesParser;
  /** Open elements from the outside in, the document itself first. */
  readonly #open: { plan: ElementPlan<State>; text: string }[];
  /** Begun markup that the next chunk goes on with. */
  #carry = '';
  /** Characters before the carry. */
  #position = 0;
  #attributes = 0;
  #textCharacters = 0;
  /** Depth below the element that is being passed over; -1 when none is. */
  #skipDepth = -1;
  /** Set by a start tag whose inside is to be passed over. */
  #pendingSkip = false;

  constructor(options: XmlReaderOptions<State>) {
    this.#options = options;
    this.#open = [{ plan: { children: options.plans }, text: '' }];
    // Positions are counted here: the parser does not see what is passed over.
    this.#parser = new SaxesParser({ fragment: options.fragment, position: false });
    this.#parser.on('opentagstart', () => {
      this.#attributes = 0;
    });
    this.#parser.on('attribute', () => {
      this.#attributes += 1;
      if (this.#attributes > MAX_ATTRIBUTES) throw this.#bad(`a tag has more than ${MAX_ATTRIBUTES} attributes`);
    });
    this.#parser.on('opentag', (tag) => this.#openTag(tag));
    this.#parser.on('closetag', () => this.#closeTag());
    this.#parser.on('text', (text) => this.#addText(text));
    this.#parser.on('cdata', (text) => this.#addText(text));
    this.#parser.on('xmldecl', ({ encoding }) => {
      if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') {
        throw this.#bad(`the declared encoding is ${JSON.stringify(encoding)}, only UTF-8 is read`);
      }
    });
  }

  write(chunk: Uint8Array): void {
    this.#consume(this.#decode(chunk));
  }

  end(): void {
    this.#consume(this.#decode(undefined));
    if (this.#carry !== '') throw this.#bad('the document ends within a tag');
    if (this.#skipDepth >= 0) throw this.#bad('the document ends within an element');
    this.#guard(() => this.#parser.close());
    this.#options.done?.(this.#options.state);
  }

  #decode(chunk: Uint8Array | undefined): string {
    try {
      return chunk === undefined ? this.#decoder.decode() : this.#decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw this.#bad('the bytes are not UTF-8', cause);
    }
  }

  #consume(text: string): void {
    const input = this.#carry + text;
    this.#carry = '';
    let at = 0;
    while (at < input.length) {
      const markup = input.indexOf('<', at);
      const textEnd = markup === -1 ? input.length : markup;
      if (textEnd > at) {
        if (this.#skipDepth < 0) this.#feedText(input.slice(at, textEnd));
        this.#position += textEnd - at;
        at = textEnd;
      }
      if (markup === -1) return;
      const end = this.#markupEnd(input, markup);
      if (end === -1) {
        if (input.length - markup > MAX_MARKUP_CHARACTERS) {
          throw this.#bad(`a tag has more than ${MAX_MARKUP_CHARACTERS} characters`);
        }
        this.#carry = input.slice(markup);
        return;
      }
      if (this.#skipDepth >= 0) this.#skip(input, markup, end);
      if (this.#skipDepth < 0) {
        this.#textCharacters = 0;
        this.#guard(() => this.#parser.write(input.slice(markup, end)));
        if (this.#pendingSkip) this.#skipDepth = 0;
        this.#pendingSkip = false;
      }
      this.#position += end - markup;
      at = end;
    }
  }

  /** Keeps the balance of the tags inside the element that is passed over; its own end tag is left to the parser. */
  #skip(input: string, markup: number, end: number): void {
    switch (input.charAt(markup + 1)) {
      case '!':
      case '?':
        return;
      case '/':
        this.#skipDepth -= 1;
        return;
      default:
        if (input.charAt(end - 2) === '/') return;
        this.#skipDepth += 1;
        if (this.#open.length + this.#skipDepth > MAX_DEPTH) throw this.#tooDeep();
    }
  }

  /** Index after the markup that begins at `at`, or -1 when the input ends before it does. */
  #markupEnd(input: string, at: number): number {
    const after = (mark: string, from: number): number => {
      const found = input.indexOf(mark, from);
      return found === -1 ? -1 : found + mark.length;
    };
    switch (input.charAt(at + 1)) {
      case '':
        return -1;
      case '?':
        return after('?>', at + 2);
      case '!': {
        if (input.startsWith('<!--', at)) return after('-->', at + 4);
        if (input.startsWith('<![CDATA[', at)) return after(']]>', at + 9);
        const head = input.slice(at, at + 9);
        if ('<!--'.startsWith(head) || '<![CDATA['.startsWith(head)) return -1;
        throw this.#bad('a document type declaration is refused');
      }
      default: {
        // A '>' inside a quoted attribute value does not end the tag.
        let quote = 0;
        for (let i = at + 1; i < input.length; i += 1) {
          const code = input.charCodeAt(i);
          if (quote !== 0) {
            if (code === quote) quote = 0;
          } else if (code === 0x3e) {
            return i + 1;
          } else if (code === 0x22 || code === 0x27) {
            quote = code;
          }
        }
        return -1;
      }
    }
  }

  #feedText(text: string): void {
    this.#textCharacters += text.length;
    if (this.#textCharacters > MAX_TEXT_CHARACTERS) {
      throw this.#bad(`a text has more than ${MAX_TEXT_CHARACTERS} characters`);
    }
    this.#guard(() => this.#parser.write(text));
  }

  #openTag(tag: SaxesTagPlain): void {
    if (this.#open.length >= MAX_DEPTH) throw this.#tooDeep();
    const parent = this.#open.at(-1)?.plan;
    const plan = parent?.children?.get(tag.name);
    const { state } = this.#options;
    if (plan === undefined) parent?.otherChild?.(state, tag.name);
    const skip = plan === undefined || plan.open?.(state, tag.attributes) === 'skip';
    this.#open.push({ plan: skip ? {} : plan, text: '' });
    this.#pendingSkip = skip && !tag.isSelfClosing;
  }

  #closeTag(): void {
    const element = this.#open.pop();
    element?.plan.text?.(this.#options.state, element.text);
  }

  #addText(text: string): void {
    const element = this.#open.at(-1);
    if (element?.plan.text === undefined) return;
    element.text += text;
    if (element.text.length > MAX_TEXT_CHARACTERS) {
      throw this.#bad(`a text has more than ${MAX_TEXT_CHARACTERS} characters`);
    }
  }

  /** saxes throws plain errors; what the plans throw is an IndexError already and is told where it happened. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (error instanceof IndexError) {
        throw error.code === 'bad-value'
          ? new IndexError(error.code, this.#where(error.message), { cause: error })
          : error;
      }
      throw this.#bad(error instanceof Error ? error.message : String(error), error);
    }
  }

  #where(what: string): string {
    return `${this.#options.name}, character ${this.#position}: ${what}`;
  }

  #bad(what: string, cause?: unknown): IndexError {
    return new IndexError('bad-xml', this.#where(what), { cause });
  }

  #tooDeep(): IndexError {
    return this.#bad(`elements are nested more than ${MAX_DEPTH} deep`);
  }
}
