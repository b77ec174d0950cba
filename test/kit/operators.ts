import { describe, expect, it } from 'vitest';
import { evaluateRule } from '#shared/core/catalog/applicability/evaluate.ts';
import { HostFacts } from '#shared/core/catalog/applicability/host-facts.ts';
import type { HostState } from '#shared/core/catalog/applicability/host-state.ts';
import { makeRule } from '#shared/core/catalog/applicability/make-rule.ts';
import type { ApplicabilityRules, Rule } from '#shared/core/catalog/applicability/model.ts';

/** An operator as a fragment writes it. */
export const op = (name: string, attributes: Readonly<Record<string, string>> = {}, ...rules: readonly Rule[]): Rule =>
  makeRule({ name, attributes: new Map(Object.entries(attributes)), rules, texts: [] });
/** An operator that names things in elements of its own. */
export const withTexts = (name: string, texts: Readonly<Record<string, string>>, attributes = {}): Rule =>
  makeRule({
    name,
    attributes: new Map(Object.entries(attributes)),
    rules: [],
    texts: Object.entries(texts).map(([text, value]) => ({ name: text, text: value })),
  });
const values = (rule: Rule, states: readonly HostState[], rules: ApplicabilityRules = {}): (boolean | undefined)[] =>
  states.map((state) => evaluateRule(rule, rules, new HostFacts(state)).value);

/** Hosts on which an operator is true, on which it is false, and of which nobody knows. */
export interface OperatorCase {
  readonly yes: readonly HostState[];
  readonly no: readonly HostState[];
  readonly unknown: readonly HostState[];
  readonly rules?: ApplicabilityRules;
}

/**
 * The states in which one thing less is known than in this one: a part, a detail of a part, or that a part is complete.
 * (A list that says it is complete must keep all its entries, or it would say something else.)
 */
function withLess(state: HostState): HostState[] {
  const without = <Part extends object>(part: Part, name: string): Part => {
    const copy = { ...part };
    Reflect.deleteProperty(copy, name);
    return copy;
  };
  return Object.entries(state).flatMap(([name, part]): HostState[] => {
    const less: HostState[] = [without(state, name)];
    if (typeof part !== 'object') return less;
    if ('complete' in part) less.push({ ...state, [name]: { ...part, complete: false } });
    for (const detail of ['suiteMask', 'level', 'revision', 'servicingStack']) {
      if (detail in part) less.push({ ...state, [name]: without(part, detail) });
    }
    if (name === 'files' && state.files !== undefined) {
      for (const [path, file] of Object.entries(state.files.files)) {
        for (const detail of Object.keys(file)) {
          less.push({ ...state, files: { ...state.files, files: { [path]: without(file, detail) } } });
        }
      }
    }
    if (name === 'msi' && state.msi !== undefined) {
      for (const product of state.msi.products) {
        for (const detail of Object.keys(product).filter((each) => each !== 'productCode')) {
          less.push({ ...state, msi: { ...state.msi, products: [without(product, detail)] } });
        }
      }
    }
    return less;
  });
}
/** Checks each on its hosts, and that what is decided stays so when more gets known. */
export function checkOperators(cases: readonly (readonly [name: string, rule: Rule, OperatorCase])[]): void {
  describe('an operator', () => {
    it.each(cases)('%s', (_name, rule, { yes, no, unknown, rules }) => {
      expect(values(rule, yes, rules), 'true').toEqual(yes.map(() => true));
      expect(values(rule, no, rules), 'false').toEqual(no.map(() => false));
      expect(values(rule, unknown, rules), 'unknown').toEqual(unknown.map(() => undefined));
    });

    it.each(cases)(
      '%s: what is decided stays so when more gets known',
      (_name, rule, { yes, no, unknown, rules = {} }) => {
        for (const state of [...yes, ...no, ...unknown]) {
          const full = evaluateRule(rule, rules, new HostFacts(state)).value;
          for (const less of withLess(state)) {
            const { value: decided } = evaluateRule(rule, rules, new HostFacts(less));
            if (decided !== undefined) expect(decided, JSON.stringify(less)).toBe(full);
          }
        }
      },
    );
  });
}
