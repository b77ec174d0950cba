import { type Answer, agreed, compareTexts, holds } from './answers.ts';
import type { HostFacts } from './host-facts.ts';
import type { RegistryData } from './host-state.ts';
import type { RegistryKey, RegistryRule, RegistryValueName } from './model.ts';
import { type Fact, joined } from './registry.ts';
import { compareVersions, parseVersion } from './version.ts';

/** The key that a loop is at. */
export interface LoopTarget {
  /** As 32-bit programs see it when `view32`. */
  readonly path: string;
  readonly view32: boolean;
}

type SimpleRegistryRule = Exclude<RegistryRule, { readonly op: 'b.RegKeyLoop' }>;

/**
 * Path of a key as the rule writes it, loops resolved.
 *
 * @returns `undefined` outside a loop, and where rule and loop look at different views: whether the rule then sees the
 *   loop's view is documented nowhere
 */
export function logicalPath(key: RegistryKey, loop: LoopTarget | undefined): string | undefined {
  if (key.root === 'machine') return key.subkey;
  return loop === undefined || loop.view32 !== key.view32 ? undefined : joined(loop.path, key.subkey);
}

function storedPath(key: RegistryKey, facts: HostFacts, loop: LoopTarget | undefined): string | undefined {
  const path = logicalPath(key, loop);
  return path === undefined ? undefined : facts.registry.stored(path, key.view32);
}

export function registryValue(
  name: RegistryValueName,
  facts: HostFacts,
  loop: LoopTarget | undefined,
): Fact<RegistryData> {
  const path = storedPath(name, facts, loop);
  return path === undefined ? undefined : facts.registry.value(path, name.value);
}

/** What a rule asks about, for people. */
export const nameOf = (key: RegistryKey & { readonly value?: string }): string =>
  key.value === undefined ? key.subkey : `${key.subkey}: ${key.value === '' ? '(default)' : key.value}`;

/**
 * A value that is missing makes a rule about it false. A value of another type than the rule asks for leaves it unknown,
 * because what Windows does then is documented nowhere.
 */
export function answerRegistry(rule: SimpleRegistryRule, facts: HostFacts, loop: LoopTarget | undefined): Answer {
  if (rule.op === 'b.RegKeyExists') {
    const path = storedPath(rule.key, facts, loop);
    const found = path === undefined ? undefined : facts.registry.key(path);
    return found === undefined ? nameOf(rule.key) : found === true;
  }
  const found = registryValue(rule.value, facts, loop);
  if (found === undefined) return nameOf(rule.value);
  if (rule.op === 'b.RegValueExists') {
    if (found === null) return false;
    return rule.type === undefined || found.type === rule.type.toUpperCase();
  }
  if (rule.op === 'b.RegSzToVersion') {
    // Some hold that a missing value counts as 0.0.0.0, some that the rule is then false.
    if (found === null) return agreed(false, holds(rule.comparison, compareVersions(zero, rule.data)), missing(rule));
    const version = found.type === 'REG_SZ' ? parseVersion(String(found.data)) : undefined;
    return version === undefined ? otherType(rule) : holds(rule.comparison, compareVersions(version, rule.data));
  }
  if (found === null) return false;
  switch (rule.op) {
    case 'b.RegDword':
      if (found.type !== 'REG_DWORD' || typeof found.data !== 'number') return otherType(rule);
      return holds(rule.comparison, found.data - rule.data);
    case 'b.RegSz':
      if (found.type !== 'REG_SZ') return otherType(rule);
      return compareTexts(rule.comparison, String(found.data), rule.data);
    case 'b.RegExpandSz': {
      const text = String(found.data);
      // Whether the text is compared before or after variables are put in is documented nowhere.
      if (found.type !== 'REG_EXPAND_SZ' || text.includes('%')) return otherType(rule);
      return compareTexts(rule.comparison, text, rule.data);
    }
  }
}

const zero = [0, 0, 0, 0] as const;
const missing = (rule: { readonly value: RegistryValueName }): string => `${nameOf(rule.value)} is missing`;
const otherType = (rule: { readonly value: RegistryValueName }): string => `${nameOf(rule.value)} is of another kind`;
