/**
 * Evaluates applicability rules against a described host, in three values: true, false, unknown (Kleene's strong logic).
 * An operator that is not read, that is about what is not described, or whose meaning is documented nowhere for the case
 * at hand, is unknown and named; it is never guessed. What is decided stays so when more gets known.
 */
import type { Answer } from './answers.ts';
import { answerFile } from './file-rules.ts';
import type { HostFacts } from './host-facts.ts';
import type { ApplicabilityRules, RegistryRule, Rule } from './model.ts';
import { answerPackage } from './package-rules.ts';
import { joined } from './registry.ts';
import { answerRegistry, type LoopTarget, logicalPath, nameOf } from './registry-rules.ts';
import { answerSystem } from './system-rules.ts';

/** An operator that kept a verdict open. */
export interface UnknownFact {
  /** Name in the fragment, for instance `b.WmiQuery`. */
  readonly operator: string;
  /** What is not known, for people. */
  readonly about: string;
}

export interface Verdict {
  /** `undefined` when it is not known. */
  readonly value: boolean | undefined;
  /** What would have to be known; empty when the value is. */
  readonly unknown: readonly UnknownFact[];
}

export const decided = (value: boolean): Verdict => (value ? yes : no);
const yes: Verdict = { value: true, unknown: [] };
const no: Verdict = { value: false, unknown: [] };

export const undecided = (unknown: readonly UnknownFact[]): Verdict => ({ value: undefined, unknown });

export const negated = (verdict: Verdict): Verdict => (verdict.value === undefined ? verdict : decided(!verdict.value));

/** False when one is, else unknown when one is. */
export function conjunction(verdicts: readonly Verdict[]): Verdict {
  const open = verdicts.filter(({ value }) => value === undefined);
  if (verdicts.some(({ value }) => value === false)) return no;
  return open.length === 0 ? yes : undecided(open.flatMap(({ unknown }) => unknown));
}

/** True when one is, else unknown when one is. */
export const disjunction = (verdicts: readonly Verdict[]): Verdict => negated(conjunction(verdicts.map(negated)));

/** What the rules of one update say of one host. */
export interface Applicability {
  readonly installed: Verdict;
  /** Not installed, not superseded, and installable (bb902473). */
  readonly needed: Verdict;
}

/** @param rule one of the rules, or any other that shall be asked */
export const evaluateRule = (rule: Rule, rules: ApplicabilityRules, facts: HostFacts): Verdict =>
  new Evaluation(rules, facts).verdict(rule);

/** Without a rule that says when it is installed, nothing is known of an update; without IsSuperseded, it never is. */
export function evaluateApplicability(rules: ApplicabilityRules, facts: HostFacts): Applicability {
  const { isInstalled, isSuperseded, isInstallable } = rules;
  const installed = isInstalled === undefined ? withoutRule('IsInstalled') : evaluateRule(isInstalled, rules, facts);
  if (installed.value === true) return { installed, needed: no };
  const installable =
    isInstallable === undefined ? withoutRule('IsInstallable') : evaluateRule(isInstallable, rules, facts);
  if (installable.value === false) return { installed, needed: no };
  const superseded = isSuperseded === undefined ? no : evaluateRule(isSuperseded, rules, facts);
  return { installed, needed: conjunction([negated(installed), negated(superseded), installable]) };
}

const withoutRule = (name: string): Verdict => undecided([{ operator: name, about: 'the update has no such rule' }]);

/** One walk through one rule. */
class Evaluation {
  private readonly rules: ApplicabilityRules;
  private readonly facts: HostFacts;
  /** Named so far; what turns out not to matter is taken out again. */
  private readonly unknown: UnknownFact[] = [];

  constructor(rules: ApplicabilityRules, facts: HostFacts) {
    this.rules = rules;
    this.facts = facts;
  }

  verdict(rule: Rule): Verdict {
    const value = this.value(rule, undefined);
    return value === undefined ? undecided(this.unknown) : decided(value);
  }

  private value(rule: Rule, loop: LoopTarget | undefined): boolean | undefined {
    switch (rule.op) {
      case 'True':
        return true;
      case 'False':
        return false;
      case 'And':
        return this.combined(rule.rules, false, (each) => this.value(each, loop));
      case 'Or':
        return this.combined(rule.rules, true, (each) => this.value(each, loop));
      case 'Not': {
        const value = this.value(rule.rule, loop);
        return value === undefined ? undefined : !value;
      }
      case 'b.RegKeyLoop':
        return this.loop(rule, loop);
      case 'invalid':
      case 'unsupported':
        return this.named(rule.name, rule.reason);
      default:
        return this.named(rule.op, answer(rule, this.rules, this.facts, loop));
    }
  }

  private named(operator: string, answer: Answer): boolean | undefined {
    if (typeof answer === 'boolean') return answer;
    this.unknown.push({ operator, about: answer });
    return undefined;
  }

  /** One item that has the deciding value decides, whatever is unknown beside it. */
  private combined<Item>(
    items: Iterable<Item>,
    deciding: boolean,
    evaluate: (item: Item) => boolean | undefined,
  ): boolean | undefined {
    const before = this.unknown.length;
    for (const item of items) {
      if (evaluate(item) !== deciding) continue;
      this.unknown.length = before;
      return deciding;
    }
    return this.unknown.length === before ? !deciding : undefined;
  }

  /** Keys that are not described could be there: they leave a loop open that the described ones do not decide. */
  private loop(
    rule: Extract<RegistryRule, { readonly op: 'b.RegKeyLoop' }>,
    outer: LoopTarget | undefined,
  ): boolean | undefined {
    const path = logicalPath(rule.key, outer);
    const stored = path === undefined ? undefined : this.facts.registry.stored(path, rule.key.view32);
    if (path === undefined || stored === undefined) return this.named(rule.op, nameOf(rule.key));
    const { names, complete } = this.facts.registry.subkeys(stored);
    // Whether "all of none" is true is documented nowhere.
    if (rule.trueIf === 'All' && complete && names.length === 0) return this.named(rule.op, nameOf(rule.key));
    const targets = complete ? names : [...names, undefined];
    const found = this.combined(targets, rule.trueIf !== 'All', (name) =>
      name === undefined
        ? this.named(rule.op, nameOf(rule.key))
        : this.value(rule.rule, { path: joined(path, name), view32: rule.key.view32 }),
    );
    return rule.trueIf === 'None' && found !== undefined ? !found : found;
  }
}

type Leaf = Exclude<
  Rule,
  { readonly op: 'True' | 'False' | 'And' | 'Or' | 'Not' | 'b.RegKeyLoop' | 'invalid' | 'unsupported' }
>;

function answer(rule: Leaf, rules: ApplicabilityRules, facts: HostFacts, loop: LoopTarget | undefined): Answer {
  switch (rule.op) {
    case 'b.RegKeyExists':
    case 'b.RegValueExists':
    case 'b.RegDword':
    case 'b.RegSz':
    case 'b.RegExpandSz':
    case 'b.RegSzToVersion':
      return answerRegistry(rule, facts, loop);
    case 'b.FileExists':
    case 'b.FileExistsPrependRegSz':
    case 'b.FileVersion':
    case 'b.FileVersionPrependRegSz':
    case 'b.FileSize':
    case 'b.FileSizePrependRegSz':
    case 'b.FileModified':
    case 'b.FileModifiedPrependRegSz':
    case 'b.FileCreated':
    case 'b.FileCreatedPrependRegSz':
      return answerFile(rule, facts, loop);
    case 'b.WindowsVersion':
    case 'b.Processor':
    case 'b.Platform':
    case 'b.WindowsLanguage':
    case 'b.MuiInstalled':
    case 'b.MuiLanguageInstalled':
    case 'b.SystemMetric':
    case 'b.LicenseDword':
    case 'b.WmiQuery':
    case 'DeviceAttribute':
      return answerSystem(rule, facts);
    default:
      return answerPackage(rule, rules, facts);
  }
}
