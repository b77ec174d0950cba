import { type Answer, agreed, allOf, anyOf, holds } from './answers.ts';
import { readCode } from './attributes.ts';
import type { HostFacts } from './host-facts.ts';
import type { MsiProduct } from './host-state.ts';
import type {
  ApplicabilityRules,
  CbsIdentity,
  CbsPackageMetadata,
  CbsParentPackage,
  MsiPatchMetadata,
  PackageRule,
} from './model.ts';
import { compareVersions, parseVersion, type Version } from './version.ts';

type MsiProductRule = Extract<PackageRule, { readonly op: 'm.MsiProductInstalled' }>;
type MsiPartRule = Extract<PackageRule, { readonly products: readonly string[] }>;

/** @param rules of the same update, for its metadata */
export function answerPackage(rule: PackageRule, rules: ApplicabilityRules, facts: HostFacts): Answer {
  switch (rule.op) {
    case 'CbsPackageInstalledByIdentity':
      return packageInstalled(rule.identity, facts);
    case 'CbsPackageInstalled':
      return rules.cbs === undefined ? 'the update has no manifest' : packageInstalled(rules.cbs.identity, facts);
    case 'CbsPackageInstallable':
      return rules.cbs === undefined ? 'the update has no manifest' : packageInstallable(rules.cbs, facts);
    case 'ProductReleaseInstalled': {
      const has = releaseVersion(rule.name, facts);
      if (has === undefined) return `product release ${rule.name}`;
      if (has === null) return false;
      // Whether a release of a later build contains this one is documented nowhere.
      const newer = compareVersions(has, rule.version) >= 0;
      const sameBuild = has[0] === rule.version[0] && has[1] === rule.version[1] && has[2] === rule.version[2];
      return agreed(newer, newer && sameBuild, `whether ${rule.name} ${has.join('.')} has ${rule.version.join('.')}`);
    }
    case 'ProductReleaseVersion': {
      const has = releaseVersion(rule.name, facts);
      if (has === undefined) return `product release ${rule.name}`;
      if (has !== null) return holds(rule.comparison, compareVersions(has, rule.version));
      const asZero = holds(rule.comparison, compareVersions([0, 0, 0, 0], rule.version));
      return agreed(false, asZero, `product release ${rule.name} is missing`);
    }
    case 'm.MsiProductInstalled':
      return answerMsiProduct(rule, facts);
    case 'm.MsiFeatureInstalledForProduct':
    case 'm.MsiComponentInstalledForProduct':
      return answerMsiParts(rule, facts);
    case 'm.MsiPatchInstalledForProduct':
      return patchOn(rule.patchCode, rule.productCode, facts);
    case 'm.MsiPatchInstalled':
    case 'm.MsiPatchInstallable':
    case 'm.MsiPatchSuperseded':
      return answerMsiPatch(rule.op, rules.msiPatch, facts);
  }
}

const sameVersion = (a: string, b: string): boolean => {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  return left !== undefined && right !== undefined && compareVersions(left, right) === 0;
};

const shortName = ({ name, architecture, version }: CbsIdentity): string => `${name} ${architecture} ${version}`;

function packageInstalled(identity: CbsIdentity, facts: HostFacts): Answer {
  if (facts.packagesLike(identity).some((present) => sameVersion(present.version, identity.version))) return true;
  return facts.cbsComplete ? false : `package ${shortName(identity)}`;
}

/**
 * A package is installable when a parent of its manifest is there, the servicing stack is new enough, and no later version
 * of it is installed (DISM refuses the earlier one as not applicable, CBS_E_NOT_APPLICABLE). What the components inside
 * need ("deep" evaluation) is not looked at.
 */
function packageInstallable({ identity, parents, installerVersion }: CbsPackageMetadata, facts: HostFacts): Answer {
  const wants = parseVersion(identity.version);
  const like = facts.packagesLike(identity);
  if (wants !== undefined && like.some((present) => compareVersions(present.parts, wants) > 0)) return false;
  return allOf([
    parents.length === 0
      ? `the manifest of ${shortName(identity)} names no parent`
      : anyOf(parents.map((parent) => parentPresent(parent, facts))),
    installerVersion === undefined || stackAtLeast(installerVersion, facts),
    facts.cbsComplete || `later versions of ${identity.name}`,
  ]);
}

/**
 * Where the manifest does not say how a version is compared, equality asks for more than "at least" does: a package that
 * passes the one or fails the other is decided.
 */
function parentPresent(parent: CbsParentPackage, facts: HostFacts): Answer {
  const wants = parseVersion(parent.identity.version);
  const name = shortName(parent.identity);
  if (wants === undefined) return `parent ${name}`;
  if (parent.unread !== undefined) return `parent ${name}: ${parent.unread}`;
  const passing = (otherwise: ParentCompare): boolean =>
    facts.packagesLike(parent.identity).some(({ parts }) => matchesParent(parts, wants, parent, otherwise));
  const [equal, atLeast] = [passing('EQ'), passing('GE')];
  if (equal || facts.cbsComplete) return agreed(equal, atLeast, `how parent ${name} is compared`);
  return `package ${name}`;
}

type ParentCompare = NonNullable<CbsParentPackage['buildCompare']>;

/** @param otherwise how parts are compared of which the manifest does not say it */
function matchesParent(has: Version, wants: Version, parent: CbsParentPackage, otherwise: ParentCompare): boolean {
  const { buildCompare = otherwise, revisionCompare = otherwise } = parent;
  return (
    has[0] === wants[0] &&
    has[1] === wants[1] &&
    (buildCompare === 'EQ' ? has[2] === wants[2] : has[2] >= wants[2]) &&
    // A newer build counts its revisions anew, so "at least" is met by it whatever its revision.
    (revisionCompare === 'EQ' ? has[3] === wants[3] : has[2] > wants[2] || has[3] >= wants[3])
  );
}

/** The stack carries the version of its Windows, so Windows itself answers for stacks of older ones. */
function stackAtLeast(wants: Version, facts: HostFacts): Answer {
  if (facts.servicingStack !== undefined) return compareVersions(facts.servicingStack, wants) >= 0;
  const windows = facts.windows?.parts;
  const older = windows !== undefined && compareVersions([windows[0], windows[1], 0, 0], wants) >= 0;
  return older || 'the servicing stack';
}

function releaseVersion(name: string, facts: HostFacts): Version | null | undefined {
  const has = facts.productReleases.get(name);
  return has === null || has === undefined ? has : parseVersion(has);
}

function answerMsiProduct(rule: MsiProductRule, facts: HostFacts): Answer {
  const product = facts.product(rule.productCode);
  if (product === undefined) return `product ${rule.productCode}`;
  if (product === null) return false;
  const answers: Answer[] = [];
  if (rule.language !== undefined) {
    const { language } = product;
    answers.push(language === undefined ? `language of product ${rule.productCode}` : language === rule.language);
  }
  if (rule.versionMin !== undefined || rule.versionMax !== undefined) {
    const version = parseVersion(product.version ?? '');
    answers.push(version === undefined ? `version of product ${rule.productCode}` : insideBounds(version, rule));
  }
  return allOf(answers);
}

/** ExcludeVersionMin and -Max mean something with their bound only. */
function insideBounds(version: Version, { versionMin, versionMax, excludeMin, excludeMax }: MsiProductRule): boolean {
  const above = versionMin === undefined ? 1 : compareVersions(version, versionMin);
  const below = versionMax === undefined ? 1 : compareVersions(versionMax, version);
  return (excludeMin ? above > 0 : above >= 0) && (excludeMax ? below > 0 : below >= 0);
}

function answerMsiParts(rule: MsiPartRule, facts: HostFacts): Answer {
  const ofProduct = (code: string): Answer => {
    const product = facts.product(code);
    if (product === null) return false;
    const has = rule.op === 'm.MsiFeatureInstalledForProduct' ? product?.features : product?.components;
    if (has === undefined) return `parts of product ${code}`;
    const names = new Set(has.map(partName));
    const present = rule.parts.map((part) => names.has(partName(part)));
    return rule.allParts ? present.every(Boolean) : present.some(Boolean);
  };
  const answers = rule.products.map(ofProduct);
  return rule.allProducts ? allOf(answers) : anyOf(answers);
}

/** Features have names, components codes. */
const partName = (text: string): string => readCode(text) ?? text.toLowerCase();

function patchOn(patchCode: string, productCode: string, facts: HostFacts): Answer {
  const product = facts.product(productCode);
  if (product === undefined) return `product ${productCode}`;
  return product === null ? false : hasPatch(product, patchCode);
}

const hasPatch = (product: MsiProduct, patchCode: string): Answer =>
  product.patches === undefined
    ? `patches of product ${product.productCode}`
    : product.patches.some((patch) => (readCode(patch) ?? patch.toLowerCase()) === patchCode);

/**
 * A patch for products of which none is there is neither installed nor installable nor superseded. For others the order
 * of patches and the versions that they replace would have to be known.
 */
function answerMsiPatch(
  op: 'm.MsiPatchInstalled' | 'm.MsiPatchInstallable' | 'm.MsiPatchSuperseded',
  patch: MsiPatchMetadata | undefined,
  facts: HostFacts,
): Answer {
  if (patch === undefined || patch.targets.length === 0) return 'the update does not say which products it patches';
  const targets = patch.targets.map((code) => facts.product(code));
  const present = targets.filter((product) => product !== null && product !== undefined);
  if (targets.includes(undefined)) return 'the products that it patches';
  if (present.length === 0) return false;
  if (op !== 'm.MsiPatchInstalled' || patch.patchCode === undefined) return 'the order of patches';
  const code = patch.patchCode;
  const answers = present.map((product) => hasPatch(product, code));
  if (answers.every((answer) => answer === true)) return true;
  return answers.every((answer) => answer === false) ? false : 'the patch is on some of its products only';
}
