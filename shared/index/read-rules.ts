import type { ByteSink, CabMember, MetMember } from '#shared/cabinet/index.ts';
import type { ApplicabilityRules, RuleLookup } from '#shared/core/catalog/applicability/model.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { fragmentName } from './fragment-name.ts';
import { indexXml, ShardList } from './index-xml.ts';
import { isInnerCab, NamedCab, pathOf } from './inner-cab.ts';
import { Parsers } from './parsers.ts';
import { readIndex } from './read-index.ts';
import type { RuleBudget } from './rule-budget.ts';
import { RulesBuilder } from './rules-fragment.ts';
import { type ElementPlans, elements, XmlReader } from './xml/index.ts';

/** A catalogue and the applicability rules of its updates. */
export interface IndexWithRules {
  readonly catalog: Catalog;
  readonly rules: RuleLookup;
}

/**
 * All rules of an index, those of updates that it does not list included: these are dropped at the end only, since the list
 * may come last. 4,125 updates of an export of 2024 have 61,503 operators, so a whole index has some two million.
 */
const MAX_RULES = 5_000_000;

export interface ReadRulesOptions {
  /** Operators and the like of all updates together; see {@link RulesBuilder}. @default 5,000,000 */
  readonly maxRules?: number;
}

/**
 * Reads an index with the rules that say what applies to a host. The rules are most of an index and are kept as objects:
 * this is for scanning hosts, which the broker never does. One pass over the source, but everything in it is unpacked
 * twice, once for the catalogue and once for the rules.
 *
 * @throws IndexError, `bad-value` when there are more rules than allowed; what the source itself throws passes through
 */
export async function readIndexWithRules(
  source: AsyncIterable<Uint8Array>,
  { maxRules = MAX_RULES }: ReadRulesOptions = {},
): Promise<IndexWithRules> {
  const reader = new RuleReader(maxRules);
  try {
    const catalog = await readIndex(alsoTo(reader, source));
    return { catalog, rules: reader.finish(catalog) };
  } finally {
    reader.abort();
  }
}

/** The catalogue's reader gets each chunk first: it says what is wrong with a file. */
async function* alsoTo(sink: ByteSink, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    yield chunk;
    sink.write(chunk);
  }
}

interface CoreRules {
  builder: RulesBuilder;
}

const coreRules: ElementPlans<CoreRules> = elements<CoreRules>({
  ApplicabilityRules: {
    tree: {
      open: (state, name, attributes) => state.builder.open(name, attributes),
      close: (state, name) => state.builder.close(name),
      text: (state, text) => state.builder.text(text),
    },
  },
});

interface RulesOfCab {
  readonly revisionId: number;
  readonly cab: string;
  readonly rules: ApplicabilityRules;
}

/** The core fragments of an index, read for their rules. */
class RuleReader implements ByteSink {
  readonly #shards = new ShardList();
  readonly #outer: ByteSink = new NamedCab(undefined, { onMember: (member) => this.#outerMember(member) });
  readonly #budget: RuleBudget;
  readonly #parsers: Parsers<CoreRules>;
  readonly #rules = new Map<number, RulesOfCab>();
  readonly #doubles: RulesOfCab[] = [];

  constructor(maxRules: number) {
    this.#budget = { left: maxRules };
    this.#parsers = new Parsers(coreRules, () => ({ builder: new RulesBuilder(this.#budget) }));
  }

  write(chunk: Uint8Array): void {
    this.#outer.write(chunk);
  }

  end(): void {
    this.#outer.end();
  }

  /** Gives up what is being unpacked, if anything is. */
  abort(): void {
    this.#outer.abort?.();
  }

  /**
   * The rules of the updates that the index lists. Of a fragment that two cabinets hold, the one counts that is in the
   * cabinet which index.xml names for it.
   */
  finish({ updates }: Catalog): RuleLookup {
    this.end();
    for (const double of this.#doubles) {
      if (this.#shards.ownerOf(double.revisionId) === double.cab) this.#rules.set(double.revisionId, double);
    }
    this.#doubles.length = 0;
    for (const revisionId of this.#rules.keys()) if (!updates.has(revisionId)) this.#rules.delete(revisionId);
    return { get: (revisionId) => this.#rules.get(revisionId)?.rules };
  }

  #outerMember(member: CabMember): ByteSink | undefined {
    const path = pathOf(member);
    if (path === 'index.xml') return new XmlReader('whole', indexXml).begin({ name: path, state: this.#shards });
    if (!isInnerCab(path)) return undefined;
    return new NamedCab(path, { onMember: (inner) => this.#fragment(path, inner) });
  }

  #fragment(cab: string, member: MetMember): ByteSink | undefined {
    const fragment = fragmentName(member);
    if (fragment?.kind !== 'core') return undefined;
    const { revisionId } = fragment;
    return this.#parsers.begin(
      () => `${cab}: ${member.name}`,
      (state) => {
        state.builder = new RulesBuilder(this.#budget);
      },
      ({ builder }) => {
        const found = { revisionId, cab, rules: builder.rules() };
        if (this.#rules.has(revisionId)) this.#doubles.push(found);
        else this.#rules.set(revisionId, found);
      },
    );
  }
}
