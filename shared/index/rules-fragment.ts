import { readCode } from '#shared/core/catalog/applicability/attributes.ts';
import { makeRule, type RuleElement } from '#shared/core/catalog/applicability/make-rule.ts';
import type {
  ApplicabilityRules,
  CbsIdentity,
  CbsPackageMetadata,
  CbsParentPackage,
  MsiPatchMetadata,
  Rule,
} from '#shared/core/catalog/applicability/model.ts';
import { parseVersion, type Version } from '#shared/core/catalog/applicability/version.ts';
import { IndexError } from './index-error.ts';
import { type RuleBudget, spend } from './rule-budget.ts';

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
/** Real manifests name some dozen editions at most, patches some hundred products. */
const MAX_PARENTS = 10_000;
const MAX_TARGETS = 10_000;

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

/** Reads `Metadata/CbsPackageApplicabilityMetadata/assembly`. */
class ManifestBuilder {
  private readonly budget: RuleBudget;
  private assemblies = 0;
  private identity: CbsIdentity | undefined;
  private identifier: string | undefined;
  private installerVersion: Version | undefined;
  private compare: Pick<CbsParentPackage, 'buildCompare' | 'revisionCompare'> | undefined;
  private readonly parents: CbsParentPackage[] = [];

  constructor(budget: RuleBudget) {
    this.budget = budget;
  }

  open(path: readonly string[], attributes: TagAttributes): 'skip' | undefined {
    if (path[1] !== 'CbsPackageApplicabilityMetadata' || path.length < 3) return undefined;
    if (path[2] !== 'assembly') return 'skip';
    if (path.length === 3) this.assemblies += 1;
    if (this.assemblies > 1) return 'skip';
    switch (path.slice(3).join('/')) {
      case '':
        break;
      case 'assemblyIdentity':
        this.identity ??= identityOf(attributes);
        break;
      case 'package':
        this.identifier ??= attributes.get('identifier');
        break;
      case 'package/parent':
        this.compare = compareOf(attributes);
        break;
      case 'package/parent/assemblyIdentity':
        this.addParent(attributes);
        break;
      case 'package/installerAssembly':
        this.installerVersion ??= parseVersion(attributes.get('version') ?? '');
        break;
      default:
        return 'skip';
    }
    return undefined;
  }

  metadata(): CbsPackageMetadata | undefined {
    const { identity, identifier, installerVersion, parents } = this;
    if (identity === undefined) return undefined;
    return {
      identity,
      parents,
      ...(identifier === undefined ? {} : { identifier: identifier }),
      ...(installerVersion === undefined ? {} : { installerVersion }),
    };
  }

  private addParent(attributes: TagAttributes): void {
    const identity = identityOf(attributes);
    if (identity === undefined || this.compare === undefined) return;
    if (this.parents.length >= MAX_PARENTS) {
      throw new IndexError('bad-value', `a manifest names more than ${MAX_PARENTS} parents`);
    }
    spend(this.budget, Object.values(identity).join('').length);
    this.parents.push({ identity, ...this.compare });
  }
}

/**
 * `EQ` and `GE` are what component manifests use; the fourth part is named by revisionCompare since Windows 10 and by
 * serviceCompare before. Anything else is read as `EQ`, so that a package is offered to fewer hosts than it might fit and
 * never to one that it does not.
 */
function compareOf(attributes: TagAttributes): Pick<CbsParentPackage, 'buildCompare' | 'revisionCompare'> {
  const read = (text: string | undefined): 'EQ' | 'GE' => (text?.toUpperCase() === 'GE' ? 'GE' : 'EQ');
  return {
    buildCompare: read(attributes.get('buildCompare')),
    revisionCompare: read(attributes.get('revisionCompare') ?? attributes.get('serviceCompare')),
  };
}

function identityOf(attributes: TagAttributes): CbsIdentity | undefined {
  const name = attributes.get('name');
  const version = attributes.get('version');
  const architecture = attributes.get('processorArchitecture');
  if (name === undefined || version === undefined || architecture === undefined) return undefined;
  const language = attributes.get('language') ?? '';
  return {
    name: name,
    publicKeyToken: attributes.get('publicKeyToken') ?? '',
    architecture: architecture,
    language: language.toLowerCase() === 'neutral' ? '' : language,
    version: version,
  };
}

/** Reads `Metadata/m.MsiPatchMetadata/MsiPatch` (Microsoft, "PatchApplicability Schema", bb972753). */
class PatchBuilder {
  private readonly budget: RuleBudget;
  private seen = false;
  private patchCode: string | undefined;
  private code = '';
  private readonly targets = new Set<string>();

  constructor(budget: RuleBudget) {
    this.budget = budget;
  }

  open(path: readonly string[], attributes: TagAttributes): void {
    if (path[1] !== 'm.MsiPatchMetadata' || path.at(-1) !== 'MsiPatch') return;
    this.seen = true;
    this.patchCode ??= readCode(attributes.get('PatchGUID') ?? '');
  }

  text(path: readonly string[], text: string): void {
    if (!this.seen || path.at(-1) !== 'TargetProductCode') return;
    this.code = (this.code + text).slice(0, MAX_TEXT_CHARACTERS);
  }

  close(path: readonly string[]): void {
    if (!this.seen || path.at(-1) !== 'TargetProductCode') return;
    const code = readCode(this.code);
    this.code = '';
    if (code === undefined) return;
    spend(this.budget, 0);
    this.targets.add(code);
    if (this.targets.size > MAX_TARGETS) {
      throw new IndexError('bad-value', `a patch names more than ${MAX_TARGETS} products`);
    }
  }

  metadata(): MsiPatchMetadata | undefined {
    if (!this.seen) return undefined;
    const { patchCode } = this;
    return { targets: [...this.targets], ...(patchCode === undefined ? {} : { patchCode: patchCode }) };
  }
}
