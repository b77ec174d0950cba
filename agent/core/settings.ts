import type { HostRules } from '#shared/contract/rules.ts';
import type { MergedSettings, Setting } from '#shared/core/rules/book.ts';
import { compileRules, type Rules } from '#shared/core/rules/judge.ts';

/** The settings that count on this host, each with the package that it is from. */
interface EffectiveSettings extends MergedSettings {
  /** False: the agent scans and reports, and installs nothing. Not set is as true. */
  readonly enabled: Setting<boolean> | undefined;
}

/** Rules as a host was told them, made ready for judging. */
export interface CompiledRules {
  readonly document: HostRules;
  readonly rules: Rules;
  readonly settings: EffectiveSettings;
}

/** Compiles a document; done once for each that is read. */
export function compile(document: HostRules): CompiledRules {
  const rules = compileRules(document.packages);
  const byName = new Map(document.packages.map((one) => [one.name, one.settings]));
  // In the order in which packages count, as for all other settings.
  const from = rules.packages.find((name) => byName.get(name)?.enabled !== undefined);
  const value = from === undefined ? undefined : byName.get(from)?.enabled;
  const enabled = from === undefined || value === undefined ? undefined : { value, package: from };
  return { document, rules, settings: { enabled, ...rules.settings } };
}
