import type { ByteSink, CabMember } from '#shared/cabinet/index.ts';
import type { ApplicabilityRules, RuleLookup } from '#shared/core/catalog/applicability/model.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { fragmentName } from './fragment-name.ts';
import { indexXml, ShardList } from './index-xml.ts';
import { isInnerCab, NamedCab, pathOf } from './inner-cab.ts';
import { readIndex } from './read-index.ts';
import { RulesBuilder } from './rules-fragment.ts';
import { type ElementPlans, elements, XmlReader } from './xml/index.ts';

/** A catalogue and the applicability rules of its updates. */
export interface IndexWithRules {
  readonly catalog: Catalog;
  readonly rules: RuleLookup;
}

/**
 * Reads an index with the rules that say what applies to a host. The rules are most of an index and are kept as objects:
 * this is for scanning hosts, which the broker never does.
 *
 * @throws IndexError; what the source itself throws passes through
 */
export async function readIndexWithRules(source: AsyncIterable<Uint8Array>): Promise<IndexWithRules> {
  const reader = new RuleReader();
  const catalog = await readIndex(alsoTo(reader, source));
  return { catalog, rules: reader.finish() };
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

/** The core fragments of an index, read for their rules. */
class RuleReader implements ByteSink {
  readonly #shards = new ShardList();
  readonly #outer = new NamedCab(undefined, { onMember: (member) => this.#outerMember(member) });
  readonly #xml = new XmlReader<CoreRules>('fragment', coreRules);
  readonly #rules = new Map<number, { readonly cab: string; readonly rules: ApplicabilityRules }>();
  readonly #doubles: { readonly revisionId: number; readonly cab: string; readonly rules: ApplicabilityRules }[] = [];

  write(chunk: Uint8Array): void {
    this.#outer.write(chunk);
  }

  end(): void {
    this.#outer.end();
  }

  /** Of a fragment that two cabinets hold, the one counts that is in the cabinet which index.xml names for it. */
  finish(): RuleLookup {
    this.end();
    for (const { revisionId, cab, rules } of this.#doubles) {
      if (this.#shards.ownerOf(revisionId) === cab) this.#rules.set(revisionId, { cab, rules });
    }
    return { get: (revisionId) => this.#rules.get(revisionId)?.rules };
  }

  #outerMember(member: CabMember): ByteSink | undefined {
    const path = pathOf(member);
    if (path === 'index.xml') return new XmlReader('whole', indexXml).begin({ name: path, state: this.#shards });
    if (!isInnerCab(path)) return undefined;
    return new NamedCab(path, { onMember: ({ name }) => this.#fragment(path, name) });
  }

  #fragment(cab: string, member: string): ByteSink | undefined {
    const fragment = fragmentName(member);
    if (fragment?.kind !== 'core') return undefined;
    const { revisionId } = fragment;
    return this.#xml.begin({
      name: () => `${cab}: ${member}`,
      state: { builder: new RulesBuilder() },
      done: ({ builder }) => {
        const rules = builder.rules();
        if (this.#rules.has(revisionId)) this.#doubles.push({ revisionId, cab, rules });
        else this.#rules.set(revisionId, { cab, rules });
      },
    });
  }
}
