import { makeRule, type RuleElement } from '#shared/core/catalog/applicability/make-rule.ts';
import type { ApplicabilityRules, Rule } from '#shared/core/catalog/applicability/model.ts';
import { IndexError } from './index-error.ts';
import { type RuleBudget, spend } from './rule-budget.ts';
import { ManifestBuilder, PatchBuilder } from './rules-fragment-metadata.ts';

/** Attributes of one start tag; not used after the call that they are given to. `Attributes` of the XML reader are such. */
export interface TagAttributes {
  get(name: string): string | undefined;
  names(): Iterable<string>;
}

/** The largest rules in an export of WSUS (2020) have 14 levels and 5,092 operators. */
const MAX_DEPTH = 256;
const MAX_RULES = 100_000;
/** Of `m.Product` and the like: a GUID or a name. */
const MAX_TEXT_CHARACTERS = 4096;

interface OpenElement extends Omit<RuleElement, 'texts'> {
  readonly rules: Rule[];
  readonly texts: { name: string; text: string }[];
  text: string;
}

const sections = ['IsInstalled', 'IsSuperseded', 'IsInstallable'] as const;
type Section = (typeof sections)[number];

const sectionOf = (name: string): Section | undefined => sections.find((each) => each === name);

/** Elements whose text counts. */
const textElements: ReadonlySet<string> = new Set(['m.Feature', 'm.Component', 'm.Product']);

/**
 * Builds the rules of one update from the tags inside its `ApplicabilityRules`, as they stream by (that element itself may
 * be among them). Of the metadata only what decides is kept: of the first CBS manifest the package, its parents and the
 * servicing stack that it asks for, of a Windows Installer patch its code and its products. The other manifests are of
 * packages inside the first one. Depth and number are bounded.
 *
 * Rules that make no sense are kept as such (`invalid`, `unsupported`); only what breaks a bound throws.
 */
export class RulesBuilder {
  /** Names of the open elements. */
  private readonly path: string[] = [];
  private readonly elements: OpenElement[] = [];
  private section: Section | undefined;
  private readonly found = new Map<Section, Rule[]>();
  private count = 0;
  private readonly budget: RuleBudget;
  private readonly manifest: ManifestBuilder;
  private readonly patch: PatchBuilder;

  /**
   * @param budget what is taken for each operator, each parent of a package and each product of a patch: 1, and more for
   *   long attributes
   */
  constructor(budget: RuleBudget) {
    this.budget = budget;
    this.manifest = new ManifestBuilder(budget);
    this.patch = new PatchBuilder(budget);
  }

  /**
   * @returns `'skip'` when nothing inside the element matters; it may be passed over then, and need not be
   * @throws IndexError `bad-value` when the rules are nested too deep, or are too many for one update or for the budget
   */
  open(name: string, attributes: TagAttributes): 'skip' | undefined {
    if (this.path.length === 0 && name === 'ApplicabilityRules') return undefined;
    this.path.push(name);
    if (this.path.length > MAX_DEPTH) throw new IndexError('bad-value', `rules are nested more than ${MAX_DEPTH} deep`);
    if (this.section !== undefined) this.openRule(name, attributes);
    else if (this.path[0] === 'Metadata') return this.openMetadata(attributes);
    else if (this.path.length === 1) {
      this.section = sectionOf(name);
      if (this.section === undefined) return 'skip';
      if (!this.found.has(this.section)) this.found.set(this.section, []);
    }
    return undefined;
  }

  text(text: string): void {
    const element = this.elements.at(-1);
    if (element !== undefined && textElements.has(element.name)) {
      element.text = (element.text + text).slice(0, MAX_TEXT_CHARACTERS);
    } else if (this.path[0] === 'Metadata') this.patch.text(this.path, text);
  }

  close(name: string): void {
    if (this.path.length === 0 && name === 'ApplicabilityRules') return;
    const element = this.section === undefined ? undefined : this.elements.pop();
    if (element !== undefined) this.closeRule(element);
    else if (this.path.length === 1) this.section = undefined;
    if (this.path[0] === 'Metadata') this.patch.close(this.path);
    this.path.pop();
  }

  /** What was built. */
  rules(): ApplicabilityRules {
    const [isInstalled, isSuperseded, isInstallable] = sections.map((name) => this.ruleOf(name));
    const cbs = this.manifest.metadata();
    const msiPatch = this.patch.metadata();
    return {
      ...(isInstalled === undefined ? {} : { isInstalled }),
      ...(isSuperseded === undefined ? {} : { isSuperseded }),
      ...(isInstallable === undefined ? {} : { isInstallable }),
      ...(cbs === undefined ? {} : { cbs }),
      ...(msiPatch === undefined ? {} : { msiPatch }),
    };
  }

  private openRule(name: string, attributes: TagAttributes): void {
    this.count += 1;
    if (this.count > MAX_RULES) throw new IndexError('bad-value', `an update has more than ${MAX_RULES} rules`);
    const values = new Map<string, string>();
    let characters = 0;
    for (const attribute of attributes.names()) {
      const value = attributes.get(attribute);
      characters += value?.length ?? 0;
      // Fragments keep an xmlns of their own here and there; it says nothing about the rule.
      if (value !== undefined && !/^xmlns(?::|$)/.test(attribute)) values.set(attribute, value);
    }
    spend(this.budget, characters);
    this.elements.push({ name, attributes: values, rules: [], texts: [], text: '' });
  }

  private closeRule(element: OpenElement): void {
    const outer = this.elements.at(-1);
    if (textElements.has(element.name)) {
      outer?.texts.push({ name: element.name, text: element.text });
      return;
    }
    const rule = makeRule(element);
    if (outer !== undefined) outer.rules.push(rule);
    else if (this.section !== undefined) this.found.get(this.section)?.push(rule);
  }

  private openMetadata(attributes: TagAttributes): 'skip' | undefined {
    this.patch.open(this.path, attributes);
    return this.manifest.open(this.path, attributes);
  }

  /** The schema allows one rule in each (bb972751); an empty one says nothing. */
  private ruleOf(name: Section): Rule | undefined {
    const rules = this.found.get(name);
    if (rules === undefined || rules.length <= 1) return rules?.[0];
    return { op: 'invalid', name, reason: `there are ${rules.length} rules inside, allowed is one` };
  }
}
