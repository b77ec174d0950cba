import {
  conjunction,
  decided,
  disjunction,
  evaluateRule,
  type UnknownFact,
  undecided,
  type Verdict,
} from './applicability/evaluate.ts';
import type { HostFacts } from './applicability/host-facts.ts';
import type { RuleLookup } from './applicability/model.ts';
import type { CatalogUpdate } from './model.ts';

/**
 * Which detectoids, categories and other updates that prerequisites name hold on a host: those whose own prerequisites
 * hold and whose IsInstalled rule is true. Those that the publication lacks are unknown.
 *
 * This is the least fixed point, found twice: once with what is unknown taken for true (what may hold), once for false
 * (what is sure to). Truths are passed on to those who wait for them, so that circles end, depth does not matter, and a
 * rule is evaluated only when its prerequisites may hold, and only once.
 */
export class Prerequisites {
  private readonly updates: ReadonlyMap<string, CatalogUpdate>;
  private readonly rules: RuleLookup;
  private readonly facts: HostFacts;
  private readonly verdicts = new Map<string, Verdict>();
  private readonly possible: ReadonlySet<string>;
  private readonly certain: ReadonlySet<string>;

  /**
   * @param updates newest revisions by UpdateId, at least of all that are named in prerequisites
   * @param named UpdateIds that are named in prerequisites
   */
  constructor(
    updates: ReadonlyMap<string, CatalogUpdate>,
    named: Iterable<string>,
    rules: RuleLookup,
    facts: HostFacts,
  ) {
    this.updates = updates;
    this.rules = rules;
    this.facts = facts;
    const ids = [...named];
    this.possible = this.fixedPoint(ids, (id) => this.ownVerdict(id).value !== false);
    this.certain = this.fixedPoint(ids, (id) => this.possible.has(id) && this.ownVerdict(id).value === true);
  }

  /** Whether the clauses hold: of each, one id must. */
  verdict(clauses: readonly (readonly string[])[]): Verdict {
    return conjunction(clauses.map((clause) => disjunction(clause.map((id) => this.holds(id)))));
  }

  /** Whether the update, detectoid or category holds. */
  holds(id: string): Verdict {
    if (this.certain.has(id)) return decided(true);
    return this.possible.has(id) ? undecided(this.unknownOf(id)) : decided(false);
  }

  /**
   * Of the rule alone. Without one (bundles have none), and of an update that the publication lacks, nothing is known:
   * only what is noted as installed holds.
   */
  private ownVerdict(id: string): Verdict {
    const known = this.verdicts.get(id);
    if (known !== undefined) return known;
    const update = this.updates.get(id);
    const rules = update === undefined ? undefined : this.rules.get(update.revisionId);
    const about = update === undefined ? `${id}, which the publication lacks` : `the update ${id} has no such rule`;
    const verdict =
      rules?.isInstalled === undefined
        ? undecided([{ operator: 'IsInstalled', about }])
        : evaluateRule(rules.isInstalled, rules, this.facts);
    this.verdicts.set(id, verdict);
    return verdict;
  }

  /** What would have to be known: the unknowns of the update itself and of those that it waits for. */
  private unknownOf(start: string): readonly UnknownFact[] {
    const unknown: UnknownFact[] = [];
    const seen = new Set([start]);
    for (const id of seen) {
      unknown.push(...this.ownVerdict(id).unknown);
      for (const other of this.updates.get(id)?.prerequisites.flat() ?? []) {
        if (this.possible.has(other) && !this.certain.has(other)) seen.add(other);
      }
    }
    return unknown;
  }

  /** @param accepts whether an update holds when its prerequisites do */
  private fixedPoint(ids: readonly string[], accepts: (id: string) => boolean): ReadonlySet<string> {
    const holding = new Set<string>();
    const waiting = new Map<string, CatalogUpdate[]>();
    const ready: string[] = [];
    const check = (update: CatalogUpdate): void => {
      if (holding.has(update.updateId)) return;
      const satisfied = update.prerequisites.every((clause) => clause.some((id) => holding.has(id)));
      if (satisfied && accepts(update.updateId)) ready.push(update.updateId);
    };
    for (const id of ids) {
      if (this.facts.installedUpdates.has(id)) {
        ready.push(id);
        continue;
      }
      const update = this.updates.get(id);
      if (update === undefined) {
        if (accepts(id)) ready.push(id);
        continue;
      }
      for (const other of new Set(update.prerequisites.flat())) {
        const list = waiting.get(other);
        if (list) list.push(update);
        else waiting.set(other, [update]);
      }
      check(update);
    }
    for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
      if (holding.has(id)) continue;
      holding.add(id);
      for (const update of waiting.get(id) ?? []) check(update);
    }
    return holding;
  }
}
