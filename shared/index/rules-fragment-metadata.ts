import { readCode } from '#shared/core/catalog/applicability/attributes.ts';
import type {
  CbsIdentity,
  CbsPackageMetadata,
  CbsParentPackage,
  MsiPatchMetadata,
} from '#shared/core/catalog/applicability/model.ts';
import { parseVersion, type Version } from '#shared/core/catalog/applicability/version.ts';
import { IndexError } from './index-error.ts';
import { type RuleBudget, spend } from './rule-budget.ts';

/** Attributes of one start tag; not used after the call that they are given to. */
interface NamedAttributes {
  get(name: string): string | undefined;
}

/** Of a product's code. */
const MAX_TEXT_CHARACTERS = 4096;
/** Kept of a word that is not known, for people. */
const MAX_WORD_CHARACTERS = 40;
/** Real manifests name some dozen editions at most, patches some hundred products. */
const MAX_PARENTS = 10_000;
const MAX_TARGETS = 10_000;

/** Reads `Metadata/CbsPackageApplicabilityMetadata/assembly`. */
export class ManifestBuilder {
  private readonly budget: RuleBudget;
  private assemblies = 0;
  private identity: CbsIdentity | undefined;
  private identifier: string | undefined;
  private installerVersion: Version | undefined;
  private compare: ParentComparison | undefined;
  private readonly parents: CbsParentPackage[] = [];

  constructor(budget: RuleBudget) {
    this.budget = budget;
  }

  open(path: readonly string[], attributes: NamedAttributes): 'skip' | undefined {
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

  private addParent(attributes: NamedAttributes): void {
    const identity = identityOf(attributes);
    if (identity === undefined || this.compare === undefined) return;
    if (this.parents.length >= MAX_PARENTS) {
      throw new IndexError('bad-value', `a manifest names more than ${MAX_PARENTS} parents`);
    }
    spend(this.budget, Object.values(identity).join('').length);
    this.parents.push({ identity, ...this.compare });
  }
}

type ParentComparison = Omit<CbsParentPackage, 'identity'>;

/**
 * How a parent is compared, as far as it is said. `EQ` and `GE` are what component manifests use; the fourth part is named
 * by revisionCompare since Windows 10 and by serviceCompare before. Real manifests leave any of these out (KB5129195 has
 * revisionCompare only, language packs have none). A parent without a disposition is one to detect, as on-demand packs
 * write it; other words than these are not evaluated.
 */
function compareOf(attributes: NamedAttributes): ParentComparison {
  const unread: string[] = [];
  const read = (name: string): 'EQ' | 'GE' | undefined => {
    const text = attributes.get(name);
    const word = text?.toUpperCase();
    if (word === 'EQ' || word === 'GE') return word;
    if (text !== undefined) unread.push(`${name} is ${JSON.stringify(text.slice(0, MAX_WORD_CHARACTERS))}`);
    return undefined;
  };
  const buildCompare = read('buildCompare');
  const revisionCompare = read(attributes.get('revisionCompare') === undefined ? 'serviceCompare' : 'revisionCompare');
  const disposition = attributes.get('disposition') ?? 'detect';
  if (disposition.toLowerCase() !== 'detect') {
    unread.push(`disposition is ${JSON.stringify(disposition.slice(0, MAX_WORD_CHARACTERS))}`);
  }
  return {
    ...(buildCompare === undefined ? {} : { buildCompare }),
    ...(revisionCompare === undefined ? {} : { revisionCompare }),
    ...(unread.length === 0 ? {} : { unread: unread.join(', ') }),
  };
}

function identityOf(attributes: NamedAttributes): CbsIdentity | undefined {
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
export class PatchBuilder {
  private readonly budget: RuleBudget;
  private seen = false;
  private patchCode: string | undefined;
  private code = '';
  private readonly targets = new Set<string>();

  constructor(budget: RuleBudget) {
    this.budget = budget;
  }

  open(path: readonly string[], attributes: NamedAttributes): void {
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
