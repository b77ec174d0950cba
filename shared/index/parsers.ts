import { type DocumentSink, type ElementPlans, XmlReader } from './xml/index.ts';

/**
 * Parsers of fragments with what they read into, used again and again: one of each would do, but for members that share
 * their bytes, which a cabinet hands out together.
 */
export class Parsers<Facts> {
  readonly #free: { readonly reader: XmlReader<Facts>; readonly facts: Facts }[] = [];
  readonly #plans: ElementPlans<Facts>;
  readonly #make: () => Facts;

  constructor(plans: ElementPlans<Facts>, make: () => Facts) {
    this.#plans = plans;
    this.#make = make;
  }

  /**
   * A sink for the next fragment. `name` is for messages; `reset` empties what the one before was read into; `done` is
   * called when it is complete, and what it throws passes through.
   */
  begin(name: () => string, reset: (facts: Facts) => void, done: (facts: Facts) => void): DocumentSink {
    const parser = this.#free.pop() ?? { reader: new XmlReader('fragment', this.#plans), facts: this.#make() };
    reset(parser.facts);
    return parser.reader.begin({
      name,
      state: parser.facts,
      done: (facts) => {
        done(facts);
        this.#free.push(parser);
      },
    });
  }
}
