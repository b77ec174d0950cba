import type { HostRules } from '#shared/contract/rules.ts';
import { compileRules, type Rules } from '#shared/core/rules/judge.ts';

/** Rules as a host was told them, made ready for judging. */
export interface CompiledRules {
  readonly document: HostRules;
  readonly rules: Rules;
}

/** Compiles a document; done once for each that is read. */
export const compile = (document: HostRules): CompiledRules => ({ document, rules: compileRules(document.packages) });
