import { type Answer, agreed, allOf, anyOf, compareTexts, holds, sameLanguage } from './answers.ts';
import type { HostFacts } from './host-facts.ts';
import type { Comparison, StringComparison, SystemRule } from './model.ts';
import { compareVersions, parseVersion } from './version.ts';

type WindowsVersionRule = Extract<SystemRule, { readonly op: 'b.WindowsVersion' }>;
type DeviceAttributeRule = Extract<SystemRule, { readonly op: 'DeviceAttribute' }>;

export function answerSystem(rule: SystemRule, facts: HostFacts): Answer {
  switch (rule.op) {
    case 'b.WindowsVersion':
      return answerWindowsVersion(rule, facts);
    case 'b.Processor': {
      const has = facts.processor;
      if (has === undefined) return 'the processor';
      const same = (name: string, value: number | undefined, wanted: number | undefined): Answer =>
        wanted === undefined ? true : value === undefined ? `the processor's ${name}` : value === wanted;
      return allOf([
        has.architecture === rule.architecture,
        same('level', has.level, rule.level),
        same('revision', has.revision, rule.revision),
      ]);
    }
    case 'b.Platform':
      return facts.platform === undefined ? 'the platform' : compareTexts('EqualTo', facts.platform, rule.platform);
    case 'b.WindowsLanguage':
      // "Always returns false if the Windows Multilanguage User Interface (MUI) is installed" (bb972749).
      if (facts.language === undefined) return 'the language of Windows';
      return facts.language.mui.length > 0 ? false : sameLanguage(facts.language.system, rule.language);
    case 'b.MuiInstalled':
      return facts.language === undefined ? 'the Multilingual User Interface' : facts.language.mui.length > 0;
    case 'b.MuiLanguageInstalled':
      if (facts.language === undefined) return 'the Multilingual User Interface';
      return anyOf(facts.language.mui.map((language) => sameLanguage(language, rule.language)));
    case 'b.SystemMetric': {
      const has = facts.systemMetrics.get(String(rule.index));
      // GetSystemMetrics gives 0 for what a system does not have.
      return has === undefined ? `system metric ${rule.index}` : holds(rule.comparison, (has ?? 0) - rule.value);
    }
    case 'b.LicenseDword': {
      const has = facts.licenses.get(rule.value);
      if (has === undefined) return `licence value ${rule.value}`;
      if (has !== null) return holds(rule.comparison, has - rule.data);
      return agreed(false, holds(rule.comparison, 0 - rule.data), `licence value ${rule.value} is missing`);
    }
    case 'b.WmiQuery':
      return facts.wmi(rule.namespace, rule.query) ?? rule.query;
    case 'DeviceAttribute':
      return answerDeviceAttribute(rule, facts);
  }
}

/**
 * Done by VerifyVersionInfo (bb972749), which compares major, minor and service pack from the left. It does not say how
 * the build joins in: where it matters whether the build is compared after the minor version or by itself, the answer is
 * not known.
 */
function answerWindowsVersion(rule: WindowsVersionRule, { windows }: HostFacts): Answer {
  if (windows === undefined) return 'the version of Windows';
  const [major, minor, build] = windows.parts;
  const servicePack: Pair[] = [
    [windows.servicePackMajor ?? 0, rule.servicePackMajor],
    [windows.servicePackMinor ?? 0, rule.servicePackMinor],
  ];
  const apart =
    orderHolds(rule.comparison, [[major, rule.major], [minor, rule.minor], ...servicePack]) &&
    orderHolds(rule.comparison, [[build, rule.build]]);
  const together = orderHolds(rule.comparison, [
    [major, rule.major],
    [minor, rule.minor],
    [build, rule.build],
    ...servicePack,
  ]);
  return allOf([
    rule.productType === undefined || windows.productType === rule.productType,
    agreed(apart, together, `how build ${build} of ${major}.${minor} compares`),
    answerSuites(rule, windows.suiteMask),
  ]);
}

type Pair = readonly [has: number, wants: number | undefined];

/** Compares from the left what the rule names; true when it names nothing. */
function orderHolds(comparison: Comparison, pairs: readonly Pair[]): boolean {
  const named = pairs.flatMap(([has, wants]) => (wants === undefined ? [] : [has - wants]));
  return named.length === 0 || holds(comparison, named.find((order) => order !== 0) ?? 0);
}

function answerSuites({ suiteMask: wants, allSuites }: WindowsVersionRule, has: number | undefined): Answer {
  if (wants === undefined) return true;
  if (has === undefined) return 'the product suites of Windows';
  return allSuites ? (has & wants) === wants : (has & wants) !== 0;
}

/** OSVersion is the version of Windows itself, and stands in the list only for a host whose Windows is not described. */
function answerDeviceAttribute(rule: DeviceAttributeRule, facts: HostFacts): Answer {
  const about = `device attribute ${rule.name}`;
  const listed = facts.deviceAttributes.get(rule.name);
  // Every device has a version, so a list without it does not say that there is none.
  const has = rule.name.toLowerCase() === 'osversion' ? (facts.windows?.version ?? listed ?? undefined) : listed;
  if (has === undefined) return about;
  // An attribute that a device does not have equals nothing; how it compares otherwise is documented nowhere.
  if (has === null) return rule.comparison === 'EqualTo' && rule.value !== '' ? false : about;
  if (rule.type === 'String') {
    const comparison = textComparison(rule.comparison);
    return comparison === undefined ? about : compareTexts(comparison, has, rule.value);
  }
  const [version, wants] = [parseVersion(has), parseVersion(rule.value)];
  const comparison = scalarComparison(rule.comparison);
  if (version === undefined || wants === undefined || comparison === undefined) return about;
  return holds(comparison, compareVersions(version, wants));
}

type AnyComparison = Comparison | StringComparison;

const textComparison = (comparison: AnyComparison): StringComparison | undefined =>
  comparison === 'EqualTo' || comparison === 'BeginsWith' || comparison === 'EndsWith' || comparison === 'Contains'
    ? comparison
    : undefined;

const scalarComparison = (comparison: AnyComparison): Comparison | undefined =>
  comparison === 'BeginsWith' || comparison === 'EndsWith' || comparison === 'Contains' ? undefined : comparison;
