import type { RulePackageDocument } from '#shared/contract/rules.ts';
import { kbDigits } from '../ids.ts';
import { bytesOf, maxSeconds, secondsOf } from './amounts.ts';
import type { PackageForm, RuleForm, SettingsForm, WaptForm } from './form.ts';

/** Where in a file something stands. */
export type Path = readonly (string | number)[];
/** Told of what no schema can say. */
type OnFault = (path: Path, message: string) => void;

type Rule = RulePackageDocument['rules'][number];
type WaptLists = NonNullable<RulePackageDocument['wapt']>;
type Settings = NonNullable<RulePackageDocument['settings']>;

/** The contract's package of what people wrote. With a fault told, it is not to be used. */
export function toPackage(form: PackageForm, fault: OnFault): RulePackageDocument {
  return {
    name: form.name,
    ...(form.description !== undefined && { description: form.description }),
    priority: form.priority ?? 0,
    rules: (form.rules ?? []).map((rule, index) => toRule(rule, ['rules', index], fault)),
    ...(form.wapt !== undefined && { wapt: toWapt(form.wapt) }),
    ...(form.settings !== undefined && { settings: toSettings(form.settings, fault) }),
  };
}

const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);
const each = <T, R>(value: T | readonly T[], map: (item: T) => R): R[] => [...new Set(listOf(value).map(map))];

const kbOf = (value: string | number): string => kbDigits(String(value));
// The index has no leading zeros in revisions either.
const updateOf = (value: string): string => value.toLowerCase().replace(/_0+(?=\d)/, '_');
const same = <T>(value: T): T => value;

function toRule(form: RuleForm, path: Path, fault: OnFault): Rule {
  const { kb, update, product, classification, severity, title, age, size, reboot, expires, comment } = form;
  const ages = age === undefined ? {} : boundsOf(age, secondsOf, maxSeconds, [...path, 'age'], fault);
  const sizes = size === undefined ? {} : boundsOf(size, bytesOf, Number.MAX_SAFE_INTEGER, [...path, 'size'], fault);
  return {
    effect: form.effect,
    when: {
      ...(kb !== undefined && { kbs: each(kb, kbOf) }),
      ...(update !== undefined && { updates: each(update, updateOf) }),
      ...(product !== undefined && { products: each(product, same) }),
      ...(classification !== undefined && { classifications: each(classification, same) }),
      ...(severity !== undefined && { severities: each(severity, same) }),
      ...(title !== undefined && { title }),
      ...(ages.min !== undefined && { minAgeSeconds: ages.min }),
      ...(ages.max !== undefined && { maxAgeSeconds: ages.max }),
      ...(reboot !== undefined && { reboots: each(reboot, same) }),
      ...(sizes.min !== undefined && { minBytes: sizes.min }),
      ...(sizes.max !== undefined && { maxBytes: sizes.max }),
    },
    ...(expires !== undefined && { expiresAt: momentOf(expires) }),
    ...(comment !== undefined && { comment }),
  };
}

/** A day ends the rule as it begins. */
const momentOf = (text: string): string => (text.includes('T') ? text : `${text}T00:00:00.000Z`);

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** `>` is the least, `<` the most. */
function boundsOf(
  value: string | readonly string[],
  amountOf: (text: string) => number | undefined,
  most: number,
  path: Path,
  fault: OnFault,
): Bounds {
  const found: { min?: number; max?: number } = {};
  for (const text of listOf(value)) {
    const side = text.startsWith('>') ? 'min' : 'max';
    const amount = amountOf(text.slice(1).trim());
    if (amount === undefined || amount > most) fault(path, `${JSON.stringify(text)} is more than can be kept`);
    else if (found[side] !== undefined) fault(path, `two bounds with ${text.charAt(0)}; give one of each at most`);
    else found[side] = amount;
  }
  const { min, max } = found;
  if (min !== undefined && max !== undefined && min > max)
    fault(path, 'nothing is both: the one with > is greater than the one with <');
  return found;
}

function toWapt(form: WaptForm): WaptLists {
  return {
    ...(form.forbidden_updates !== undefined && { forbiddenUpdates: each(form.forbidden_updates, updateOf) }),
    ...(form.forbidden_kbs !== undefined && { forbiddenKbs: each(form.forbidden_kbs, kbOf) }),
    ...(form.allowed_updates !== undefined && { allowedUpdates: each(form.allowed_updates, updateOf) }),
    ...(form.allowed_kbs !== undefined && { allowedKbs: each(form.allowed_kbs, kbOf) }),
    ...(form.allowed_products !== undefined && { allowedProducts: each(form.allowed_products, same) }),
    ...(form.allowed_severities !== undefined && { allowedSeverities: each(form.allowed_severities, same) }),
    ...(form.allowed_classifications !== undefined && {
      allowedClassifications: each(form.allowed_classifications, same),
    }),
  };
}

function toSettings(form: SettingsForm, fault: OnFault): Settings {
  const delayOf = (value: string | number, path: Path): number => {
    const seconds = secondsOf(String(value)) ?? 0;
    if (seconds > maxSeconds) fault(path, `${JSON.stringify(value)} is longer than ten years`);
    return seconds;
  };
  const bySeverity = form.install_delay_by_severity;
  const place = ['settings', 'install_delay_by_severity'];
  return {
    ...(form.enabled !== undefined && { enabled: form.enabled }),
    ...(form.default_allow !== undefined && { defaultAllow: form.default_allow }),
    ...(form.install_delay !== undefined && {
      installDelaySeconds: delayOf(form.install_delay, ['settings', 'install_delay']),
    }),
    ...(bySeverity !== undefined && {
      installDelaysBySeverity: Object.fromEntries(
        Object.entries(bySeverity).map(([severity, value]) => [severity, delayOf(value, [...place, severity])]),
      ),
    }),
    ...(form.direct_download !== undefined && { directDownload: form.direct_download }),
    ...(form.direct_first !== undefined && { directFirst: form.direct_first }),
  };
}
