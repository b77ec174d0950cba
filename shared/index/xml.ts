/**
 * Reading XML from a stream of bytes by a plan of the elements that are wanted. saxes parses, strictly.
 *
 * DOCTYPE is refused (Microsoft's index has none, and entities are the classic way to make a parser run wild); tags,
 * texts, attributes and depth are bounded, so that memory does not grow with what the input contains.
 */
import { SaxesParser, type SaxesTagPlain } from 'saxes';
import type { ByteSink } from '#shared/cabinet/index.ts';
import { IndexError } from './index-error.ts';
import { MAX_MARKUP_CHARACTERS, MarkupError, MarkupScanner, tooLong } from './markup.ts';

/** Text of one wanted element, in characters. */
const MAX_TEXT_CHARACTERS = 1 << 20;
const MAX_DEPTH = 256;
const MAX_ATTRIBUTES = 256;

type Parser = SaxesParser<{ fragment: boolean; xmlns: false; position: false }>;

export type Attributes = Readonly<Record<string, string>>;

/** What is wanted of an element. `state` is what one document is read into. */
export interface ElementPlan<State> {
  /** Called at the start tag. `'skip'` ignores what is inside. */
  readonly open?: (state: State, attributes: Attributes) => 'skip' | undefined;
  /** Called at the end tag with the element's own text (that of its children is not in it). */
  readonly text?: (state: State, text: string) => void;
  readonly children?: ElementPlans<State>;
  /** Told the name of a child that `children` does not list, before it is ignored. */
  readonly otherChild?: (state: State, name: string) => void;
}
export type ElementPlans<State> = ReadonlyMap<string, ElementPlan<State>>;

/** Names to plans. A Map, because an element may be called `constructor`. */
export const elements = <State>(plans: Readonly<Record<string, ElementPlan<State>>>): ElementPlans<State> =>
  new Map(Object.entries(plans));

/**
 * - `whole`: one root; every element is parsed, the unwanted ones too.
 * - `fragment`: siblings without a root; unwanted elements are passed over, and only their tags are balanced.
 */
export type DocumentKind = 'whole' | 'fragment';

export interface XmlDocument<State> {
  /** Name of the member, for messages. */
  readonly name: string;
  readonly state: State;
  /** Called when the document is complete and well-formed. */
  readonly done?: (state: State) => void;
}

/** Reads documents of one kind, one after the other. (A new parser for each of 400,000 fragments would cost more than the parsing.) */
export class XmlReader<State> {
  readonly #plans: ElementPlans<State>;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #parser: Parser;
  readonly #scanner: MarkupScanner | undefined;
  #document: XmlDocument<State> | undefined;
  /** Open elements from the outside in, the document itself first. */
  #open: { readonly plan: ElementPlan<State>; text: string }[] = [];
  #textCharacters = 0;
  /** Where the parser last reported anything. */
  #reportedAt = 0;
  /** Set by a start tag whose inside is to be passed over. */
  #ignoring = false;

  constructor(kind: DocumentKind, plans: ElementPlans<State>) {
    this.#plans = plans;
    this.#parser = this.#makeParser(kind === 'fragment');
    if (kind === 'whole') return;
    this.#scanner = new MarkupScanner(
      { markup: (markup) => this.#parseMarkup(markup), text: (text) => this.#parseText(text) },
      MAX_DEPTH,
    );
  }

  /**
   * A sink for the UTF-8 bytes of the next document, in chunks of any size. The one before must have ended.
   *
   * The sink throws IndexError `bad-xml`, and `bad-value` when a plan does.
   */
  begin(document: XmlDocument<State>): ByteSink {
    if (this.#document !== undefined) throw new TypeError(`${this.#document.name} has not ended`);
    this.#document = document;
    this.#open = [{ plan: { children: this.#plans }, text: '' }];
    this.#reportedAt = 0;
    this.#textCharacters = 0;
    this.#scanner?.reset();
    return {
      write: (chunk) => this.#guard(() => this.#parse(this.#decoder.decode(chunk, { stream: true }))),
      end: () => {
        this.#guard(() => {
          this.#parse(this.#decoder.decode());
          this.#scanner?.end();
          this.#checkEncoding();
          this.#parser.close();
        });
        this.#document = undefined;
        document.done?.(document.state);
      },
    };
  }

  #makeParser(fragment: boolean): Parser {
    // Without namespaces: the fragments use prefixes that nothing declares. Without line numbers: it is all one line.
    // As few handlers as possible: with eight of them V8 (Node 24) keeps the parser's properties in a hash table, and
    // parsing takes three times as long.
    const parser: Parser = new SaxesParser({ fragment, xmlns: false, position: false });
    parser.on('opentag', (tag) => this.#openTag(tag));
    parser.on('closetag', () => this.#closeTag());
    parser.on('text', (text) => this.#addText(text));
    parser.on('cdata', (text) => this.#addText(text));
    parser.on('doctype', () => {
      throw new MarkupError('a document type declaration is refused');
    });
    return parser;
  }

  #checkEncoding(): void {
    const { encoding } = this.#parser.xmlDecl;
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') {
      throw new MarkupError(`the declared encoding is ${JSON.stringify(encoding)}, only UTF-8 is read`);
    }
  }

  #parse(text: string): void {
    if (this.#scanner !== undefined) {
      this.#scanner.scan(text);
      return;
    }
    this.#parser.write(text);
    if (this.#parser.position - this.#reportedAt > MAX_MARKUP_CHARACTERS) throw tooLong();
  }

  #parseMarkup(markup: string): boolean {
    this.#textCharacters = 0;
    this.#ignoring = false;
    this.#parser.write(markup);
    return this.#ignoring;
  }

  #parseText(text: string): void {
    this.#textCharacters += text.length;
    if (this.#textCharacters > MAX_TEXT_CHARACTERS) throw textTooLong();
    this.#parser.write(text);
  }

  #openTag(tag: SaxesTagPlain): void {
    this.#reportedAt = this.#parser.position;
    if (this.#open.length >= MAX_DEPTH) throw new MarkupError(`elements are nested more than ${MAX_DEPTH} deep`);
    let attributes = 0;
    for (const _name in tag.attributes) attributes += 1;
    if (attributes > MAX_ATTRIBUTES) throw new MarkupError(`a tag has more than ${MAX_ATTRIBUTES} attributes`);
    const parent = this.#open.at(-1)?.plan;
    const plan = parent?.children?.get(tag.name);
    const state = this.#current.state;
    if (plan === undefined) parent?.otherChild?.(state, tag.name);
    const ignored = plan === undefined || plan.open?.(state, tag.attributes) === 'skip';
    this.#open.push({ plan: ignored ? {} : plan, text: '' });
    this.#ignoring = ignored && !tag.isSelfClosing;
  }

  #closeTag(): void {
    this.#reportedAt = this.#parser.position;
    const element = this.#open.pop();
    element?.plan.text?.(this.#current.state, element.text);
  }

  #addText(text: string): void {
    this.#reportedAt = this.#parser.position;
    const element = this.#open.at(-1);
    if (element?.plan.text === undefined) return;
    element.text += text;
    if (element.text.length > MAX_TEXT_CHARACTERS) throw textTooLong();
  }

  get #current(): XmlDocument<State> {
    if (this.#document === undefined) throw new TypeError('the document has ended');
    return this.#document;
  }

  /** Says where it happened. The parser and the decoder throw plain errors, the plans an IndexError. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (error instanceof IndexError && error.code !== 'bad-value') throw error;
      const what = error instanceof Error ? error.message : String(error);
      const notUtf8 =
        error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
      throw new IndexError(
        error instanceof IndexError ? error.code : 'bad-xml',
        `${this.#current.name}, character ${this.#scanner?.position ?? this.#parser.position}: ` +
          (notUtf8 ? 'the bytes are not UTF-8' : what),
        { cause: error },
      );
    }
  }
}

const textTooLong = (): MarkupError => new MarkupError(`a text has more than ${MAX_TEXT_CHARACTERS} characters`);
