import { Attributes, readCode } from './attributes.ts';
import type { FileReference, Rule } from './model.ts';

/** One element of a rule, with what is inside it. */
export interface RuleElement {
  /** As in the fragment, for instance `b.RegSz`. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Rules inside it, in order. */
  readonly rules: readonly Rule[];
  /** Elements inside it that hold a text, for instance `m.Product`. */
  readonly texts: readonly { readonly name: string; readonly text: string }[];
}

/** Operators that are about other rules. */
const withRulesInside: ReadonlySet<string> = new Set(['And', 'Or', 'Not', 'b.RegKeyLoop']);

type Maker = (attributes: Attributes, element: RuleElement) => Rule;

/** Rules without attributes are kept once: a publication has some hundred thousand of them. */
const constants: Readonly<Record<string, Rule>> = Object.freeze({
  True: { op: 'True' },
  False: { op: 'False' },
  'b.MuiInstalled': { op: 'b.MuiInstalled' },
  CbsPackageInstalled: { op: 'CbsPackageInstalled' },
  CbsPackageInstallable: { op: 'CbsPackageInstallable' },
  'm.MsiPatchInstalled': { op: 'm.MsiPatchInstalled' },
  'm.MsiPatchInstallable': { op: 'm.MsiPatchInstallable' },
  'm.MsiPatchSuperseded': { op: 'm.MsiPatchSuperseded' },
});

const logical =
  (op: 'And' | 'Or'): Maker =>
  (_attributes, { rules }) =>
    rules.length === 0 ? { op: 'invalid', name: op, reason: 'there is no rule inside' } : { op, rules };

/** The one rule inside an element. */
function inner({ name, rules }: RuleElement, make: (rule: Rule) => Rule): Rule {
  const [rule] = rules;
  if (rule !== undefined && rules.length === 1) return make(rule);
  return { op: 'invalid', name, reason: `there are ${rules.length} rules inside, allowed is one` };
}

function file(attributes: Attributes, prepend: boolean): FileReference {
  const path = attributes.text('Path');
  if (prepend) return { path, prepend: attributes.registryValue() };
  return attributes.has('Csidl') ? { path, csidl: attributes.number('Csidl') } : { path };
}

/** An optional attribute, present in the rule only when it is there. */
const optional = <Key extends string, Value>(
  attributes: Attributes,
  name: string,
  key: Key,
  read: (name: string) => Value,
): Partial<Record<Key, Value>> => {
  if (!attributes.has(name)) return {};
  const found: Partial<Record<Key, Value>> = {};
  found[key] = read(name);
  return found;
};

const both = (
  name: 'b.FileExists' | 'b.FileVersion' | 'b.FileSize' | 'b.FileModified' | 'b.FileCreated',
  maker: (attributes: Attributes, prepend: boolean) => Rule,
): Record<string, Maker> => ({
  [name]: (attributes) => maker(attributes, false),
  [`${name}PrependRegSz`]: (attributes) => maker(attributes, true),
});

const installedForProduct =
  (op: 'm.MsiFeatureInstalledForProduct' | 'm.MsiComponentInstalledForProduct', part: 'Feature' | 'Component'): Maker =>
  (attributes, { texts }) => {
    const named = (name: string): string[] => texts.filter((one) => one.name === name).map((one) => one.text.trim());
    const products = named('m.Product');
    const codes = products.flatMap((text) => readCode(text) ?? []);
    const parts = named(`m.${part}`);
    const wrong = codes.length < products.length || products.length === 0 || parts.length === 0;
    const allParts = attributes.boolean(`All${part}sRequired`);
    const allProducts = attributes.boolean('AllProductsRequired');
    if (wrong) {
      return { op: 'invalid', name: op, reason: `it must name ${part.toLowerCase()}s, and products by their GUIDs` };
    }
    return { op, parts, products: codes, allParts, allProducts };
  };

const makers: ReadonlyMap<string, Maker> = new Map<string, Maker>(
  Object.entries({
    And: logical('And'),
    Or: logical('Or'),
    Not: (_attributes, element) => inner(element, (rule) => ({ op: 'Not', rule })),
    'b.RegKeyExists': (attributes) => ({ op: 'b.RegKeyExists', key: attributes.key() }),
    'b.RegValueExists': (attributes) => ({
      op: 'b.RegValueExists',
      value: attributes.registryValue(),
      ...optional(attributes, 'Type', 'type', (name) => attributes.text(name)),
    }),
    'b.RegDword': (attributes) => ({
      op: 'b.RegDword',
      value: attributes.registryValue(),
      comparison: attributes.comparison(),
      data: attributes.number('Data'),
    }),
    'b.RegSz': (attributes) => regSz('b.RegSz', attributes),
    'b.RegExpandSz': (attributes) => regSz('b.RegExpandSz', attributes),
    'b.RegSzToVersion': (attributes) => ({
      op: 'b.RegSzToVersion',
      value: attributes.registryValue(),
      comparison: attributes.comparison(),
      data: attributes.version('Data'),
    }),
    'b.RegKeyLoop': (attributes, element) => {
      const key = attributes.key();
      const trueIf = attributes.oneOf('TrueIf', ['Any', 'All', 'None'], 'Any');
      return inner(element, (rule) => ({ op: 'b.RegKeyLoop', key, trueIf, rule }));
    },
    ...both('b.FileExists', (attributes, prepend) => ({
      op: prepend ? 'b.FileExistsPrependRegSz' : 'b.FileExists',
      file: file(attributes, prepend),
      ...optional(attributes, 'Size', 'size', (name) => attributes.number(name)),
      ...optional(attributes, 'Version', 'version', (name) => attributes.version(name)),
      ...optional(attributes, 'Language', 'language', (name) => attributes.number(name)),
    })),
    ...both('b.FileVersion', (attributes, prepend) => ({
      op: prepend ? 'b.FileVersionPrependRegSz' : 'b.FileVersion',
      file: file(attributes, prepend),
      comparison: attributes.comparison(),
      version: attributes.version('Version'),
    })),
    ...both('b.FileSize', (attributes, prepend) => ({
      op: prepend ? 'b.FileSizePrependRegSz' : 'b.FileSize',
      file: file(attributes, prepend),
      comparison: attributes.comparison(),
      size: attributes.number('Size'),
    })),
    ...both('b.FileModified', (attributes, prepend) => ({
      op: prepend ? 'b.FileModifiedPrependRegSz' : 'b.FileModified',
      file: file(attributes, prepend),
      comparison: attributes.comparison(),
      time: attributes.time('Modified'),
    })),
    ...both('b.FileCreated', (attributes, prepend) => ({
      op: prepend ? 'b.FileCreatedPrependRegSz' : 'b.FileCreated',
      file: file(attributes, prepend),
      comparison: attributes.comparison(),
      time: attributes.time('Created'),
    })),
    'b.WindowsVersion': (attributes) => ({
      op: 'b.WindowsVersion',
      comparison: attributes.comparison('EqualTo'),
      ...optional(attributes, 'MajorVersion', 'major', (name) => attributes.number(name)),
      ...optional(attributes, 'MinorVersion', 'minor', (name) => attributes.number(name)),
      ...optional(attributes, 'BuildNumber', 'build', (name) => attributes.number(name)),
      ...optional(attributes, 'ServicePackMajor', 'servicePackMajor', (name) => attributes.number(name)),
      ...optional(attributes, 'ServicePackMinor', 'servicePackMinor', (name) => attributes.number(name)),
      ...optional(attributes, 'ProductType', 'productType', (name) => attributes.number(name)),
      ...optional(attributes, 'SuiteMask', 'suiteMask', (name) => attributes.number(name)),
      allSuites: attributes.boolean('AllSuitesMustBePresent'),
    }),
    'b.Processor': (attributes) => ({
      op: 'b.Processor',
      architecture: attributes.number('Architecture'),
      ...optional(attributes, 'Level', 'level', (name) => attributes.number(name)),
      ...optional(attributes, 'Revision', 'revision', (name) => attributes.number(name)),
    }),
    'b.Platform': (attributes) => ({ op: 'b.Platform', platform: attributes.text('PlatformID') }),
    'b.WindowsLanguage': (attributes) => ({ op: 'b.WindowsLanguage', language: attributes.text('Language') }),
    'b.MuiLanguageInstalled': (attributes) => ({ op: 'b.MuiLanguageInstalled', language: attributes.text('Language') }),
    'b.SystemMetric': (attributes) => ({
      op: 'b.SystemMetric',
      index: attributes.number('Index'),
      comparison: attributes.comparison(),
      value: attributes.number('Value'),
    }),
    'b.LicenseDword': (attributes) => ({
      op: 'b.LicenseDword',
      value: attributes.text('Value'),
      comparison: attributes.comparison(),
      data: attributes.number('Data'),
    }),
    'b.WmiQuery': (attributes) => ({
      op: 'b.WmiQuery',
      namespace: attributes.optional('Namespace') ?? 'root\\cimv2',
      query: attributes.text('WqlQuery'),
    }),
    DeviceAttribute: (attributes) => ({
      op: 'DeviceAttribute',
      name: attributes.text('Name'),
      type: attributes.oneOf('Type', ['String', 'Version'], 'String'),
      comparison: attributes.anyComparison(),
      value: attributes.text('Value'),
    }),
    CbsPackageInstalledByIdentity: (attributes) => ({
      op: 'CbsPackageInstalledByIdentity',
      identity: attributes.cbsIdentity('PackageIdentity'),
    }),
    ProductReleaseInstalled: (attributes) => ({
      op: 'ProductReleaseInstalled',
      name: attributes.text('Name'),
      version: attributes.version('Version'),
    }),
    ProductReleaseVersion: (attributes) => ({
      op: 'ProductReleaseVersion',
      name: attributes.text('Name'),
      version: attributes.version('Version'),
      comparison: attributes.comparison(),
    }),
    'm.MsiProductInstalled': (attributes) => ({
      op: 'm.MsiProductInstalled',
      productCode: attributes.code('ProductCode'),
      ...optional(attributes, 'VersionMin', 'versionMin', (name) => attributes.version(name)),
      ...optional(attributes, 'VersionMax', 'versionMax', (name) => attributes.version(name)),
      excludeMin: attributes.boolean('ExcludeVersionMin'),
      excludeMax: attributes.boolean('ExcludeVersionMax'),
      ...optional(attributes, 'Language', 'language', (name) => attributes.number(name)),
    }),
    'm.MsiFeatureInstalledForProduct': installedForProduct('m.MsiFeatureInstalledForProduct', 'Feature'),
    'm.MsiComponentInstalledForProduct': installedForProduct('m.MsiComponentInstalledForProduct', 'Component'),
    'm.MsiPatchInstalledForProduct': (attributes) => ({
      op: 'm.MsiPatchInstalledForProduct',
      patchCode: attributes.code('PatchCode'),
      productCode: attributes.code('ProductCode'),
    }),
  } satisfies Record<string, Maker>),
);

function regSz(op: 'b.RegSz' | 'b.RegExpandSz', attributes: Attributes): Rule {
  return {
    op,
    value: attributes.registryValue(),
    comparison: attributes.stringComparison(),
    data: attributes.text('Data'),
  };
}

/**
 * The rule that an element stands for. It never fails: an operator that is not known, or that has an attribute whose
 * meaning is not known, is kept as `unsupported`, and one whose attributes are wrong as `invalid`, with the reason.
 */
export function makeRule(element: RuleElement): Rule {
  const { name } = element;
  const attributes = new Attributes(element.attributes);
  const constant = Object.hasOwn(constants, name) ? constants[name] : undefined;
  const rule = constant ?? makers.get(name)?.(attributes, element);
  if (rule === undefined) return { op: 'unsupported', name, reason: 'this operator is not evaluated' };
  if (attributes.fault !== undefined) return { op: 'invalid', name, reason: attributes.fault };
  if (element.rules.length > 0 && !withRulesInside.has(name)) {
    return { op: 'unsupported', name, reason: 'rules inside it are not evaluated' };
  }
  const [surplus] = attributes.surplus;
  if (surplus !== undefined && rule.op !== 'invalid') {
    return { op: 'unsupported', name, reason: `its attribute ${surplus} is not evaluated` };
  }
  return rule;
}
