import type { HostRules } from '#shared/contract/rules.ts';
import { compileRules, type Rules } from '#shared/core/rules/judge.ts';
import type { DirectPolicy } from './direct.ts';

/** Rules that count on a host, with the group that it is in by them, made ready for judging. */
export interface CompiledRules {
  readonly document: Pick<HostRules, 'revision' | 'packages'> & { readonly group?: string };
  readonly rules: Rules;
}

/** Compiles a document; done once for each that is read. */
export const compile = (document: CompiledRules['document']): CompiledRules => ({
  document,
  rules: compileRules(document.packages),
});

/**
 * Whether files may come from Microsoft itself on this host: what the signed rules set counts before what the host was set up with.
 *
 * @param local what the host was set up with
 */
export function directPolicyOf(local: DirectPolicy, compiled: CompiledRules | undefined): DirectPolicy {
  const { directDownload, directFirst } = compiled?.rules.settings ?? {};
  const download = directDownload?.value ?? local !== 'never';
  // Who forbids direct downloads forbids those that come first, too, unless the rules themselves say otherwise.
  const first = directFirst?.value ?? (local === 'first' && download);
  return first ? 'first' : download ? 'fallback' : 'never';
}
