import type { CompiledRules } from '../core/settings.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { Agent } from './agent.ts';
import { type CurrentIndex, pullIndex, storedIndex } from './pull.ts';
import { rulesThatCount } from './rules.ts';
import type { Troubles } from './troubles.ts';
import type { Offer } from './trust.ts';

export interface Gathered {
  readonly index: CurrentIndex | undefined;
  readonly rules: CompiledRules | undefined;
}

/**
 * Index and rules: fresh ones where there is an offer to pull from, else, or when that fails, those that are stored. What is
 * missing is noted.
 */
export async function gather(
  agent: Agent,
  troubles: Troubles,
  { offer, signal }: { readonly offer: Offer | undefined; readonly signal: AbortSignal | undefined },
): Promise<Gathered> {
  const pulled =
    offer &&
    (await troubles.attempt('pull', () => {
      if (offer.index !== undefined) return pullIndex(agent, offer.index, signal);
      throw new AgentError('not-found', 'the repository offers no index yet');
    }));
  const index = pulled ?? (await troubles.attempt('pull', () => storedIndex(agent)));
  const rules = await troubles.attempt('trust', () => rulesThatCount(agent.adapters.documents));
  if (index === undefined || rules === undefined) {
    const usable = troubles.indexProblem === undefined ? 'index' : 'usable index';
    const lacks = [...(index ? [] : [usable]), ...(rules ? [] : ['rules'])].join(' and no ');
    troubles.note('scan', new AgentError('nothing-stored', `cannot scan: no ${lacks} is stored here yet`));
  }
  return { index, rules };
}
