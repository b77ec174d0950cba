import type { ByteSink } from '#shared/cabinet/index.ts';
import { IndexError } from '../index-error.ts';
import { MarkupError } from './markup-error.ts';
import type { ElementPlans } from './plan.ts';
import { PlanRun } from './plan-run.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * - `whole`: one root.
 * - `fragment`: siblings without a root; text may stand between them, and is ignored.
 */
export type DocumentKind = 'whole' | 'fragment';

interface XmlDocument<State> {
  /** Name of the member, for messages; a function is called only when there is one. */
  readonly name: string | (() => string);
  readonly state: State;
  /** Called when the document is complete and well-formed, or was stopped. */
  readonly done?: (state: State) => void;
}

/** Where the bytes of a document go. */
export interface DocumentSink extends ByteSink {
  /** A plan has stopped the document: further bytes are dropped, so they need not be made. `end` is still to be called. */
  readonly done: boolean;
}

/**
 * Reads XML documents of one kind, one after the other, by a plan of the elements that are wanted.
 *
 * Strict: what is not well-formed XML 1.0 in UTF-8 is refused, in parts that nobody wants too. DOCTYPE is refused
 * (Microsoft's index has none, and entities are the classic way to make a parser run wild), and namespaces mean nothing.
 * Bounded: tags, texts, names, attributes and depth have limits, so that memory does not grow with what the input holds.
 * A byte order mark may stand at the start.
 */
export class XmlReader<State> {
  readonly #run: PlanRun<State>;
  readonly #tokenizer: Tokenizer;
  readonly #sink: DocumentSink;
  #document: XmlDocument<State> | undefined;

  /** @throws TypeError when a plan has a tree and children */
  constructor(kind: DocumentKind, plans: ElementPlans<State>) {
    this.#run = new PlanRun(kind === 'whole', plans);
    this.#tokenizer = this.#run.tokenizer;
    this.#sink = new ReaderSink(
      this.#tokenizer,
      (chunk) => this.#write(chunk),
      () => this.#end(),
    );
  }

  /**
   * A sink for the bytes of the next document, in chunks of any size. The one before must have ended or failed: it is
   * the same sink each time.
   *
   * The sink throws IndexError `bad-xml`, and `bad-value` when a plan does; other errors of plans pass through.
   *
   * @throws TypeError when the document before has not ended
   */
  begin(document: XmlDocument<State>): DocumentSink {
    if (this.#document !== undefined) throw new TypeError(`${nameOf(this.#document)} has not ended`);
    this.#document = document;
    this.#tokenizer.reset();
    this.#run.reset(document.state);
    return this.#sink;
  }

  #write(chunk: Uint8Array): void {
    if (this.#document === undefined) throw new TypeError('the document has ended');
    try {
      this.#tokenizer.write(chunk);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #end(): void {
    const document = this.#document;
    if (document === undefined) throw new TypeError('the document has ended');
    try {
      this.#tokenizer.end();
    } catch (error) {
      throw this.#failed(error);
    }
    this.#document = undefined;
    document.done?.(document.state);
  }

  /** Says where it happened. */
  #failed(error: unknown): unknown {
    const name = this.#document === undefined ? '' : nameOf(this.#document);
    this.#document = undefined;
    if (error instanceof MarkupError) {
      return new IndexError('bad-xml', `${name}, byte ${error.position}: ${error.message}`, { cause: error });
    }
    if (!(error instanceof IndexError) || error.code !== 'bad-value') return error;
    const position = this.#tokenizer.position;
    return new IndexError('bad-value', `${name}, byte ${position}: ${error.message}`, { cause: error });
  }
}

/** A class, so that the sinks of all readers look alike to those who write to them. */
class ReaderSink implements DocumentSink {
  readonly #tokenizer: Tokenizer;
  readonly #write: (chunk: Uint8Array) => void;
  readonly #end: () => void;

  constructor(tokenizer: Tokenizer, write: (chunk: Uint8Array) => void, end: () => void) {
    this.#tokenizer = tokenizer;
    this.#write = write;
    this.#end = end;
  }

  get done(): boolean {
    return this.#tokenizer.stopped;
  }

  write(chunk: Uint8Array): void {
    this.#write(chunk);
  }

  end(): void {
    this.#end();
  }
}

const nameOf = ({ name }: Pick<XmlDocument<unknown>, 'name'>): string => (typeof name === 'string' ? name : name());
