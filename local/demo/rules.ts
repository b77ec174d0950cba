import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { type RuleBook, type RulesDocument, rulesOfHost } from '#shared/contract/rules.ts';
import type { Administrator } from '../administrator.ts';
import { removalToolKb, withdrawnKb } from '../upstream/invent/world.ts';
import type { Narrator } from './narrator.ts';
import type { Operators } from './operators.ts';

/** The group that the hosts of the demonstration enrol in. */
export const hostsGroup = 'everyone';

/** One package for all hosts: security by its severity, one update by name, and one that is forbidden. */
export const demonstrationRules: RuleBook = {
  packages: [
    {
      name: 'demonstration',
      description: 'what npm start shows',
      priority: 0,
      rules: [
        { effect: 'forbid', when: { kbs: [withdrawnKb] }, comment: 'breaks printing' },
        { effect: 'allow', when: { kbs: [removalToolKb] }, comment: 'has no severity' },
        { effect: 'allow', when: { severities: ['Critical', 'Important'] } },
      ],
      settings: { defaultAllow: false },
    },
  ],
  assignments: { groups: { [hostsGroup]: ['demonstration'] }, hosts: {} },
};

/** The demonstration's rules, unless somebody already wrote some. */
export async function setRules(
  { operators, administrator }: { readonly operators: Operators; readonly administrator: Administrator },
  narrator: Narrator,
): Promise<void> {
  const rules = await operators.call(operatorEndpoints.getRules);
  if (rules.revision > 0) {
    narrator.say('operator', `keeps the rules of revision ${rules.revision}`);
    return;
  }
  const written = await administrator.putRules(demonstrationRules, 'rules of npm start');
  narrator.say(
    'operator',
    `allows severities Critical and Important and KB${removalToolKb}, forbids KB${withdrawnKb}: package demonstration of the group ${hostsGroup} (rules revision ${written.revision})`,
  );
}

/** Whether a KB is forbidden by itself, in whatever package, on the hosts of the demonstration. */
export function forbidsKb(rules: RulesDocument, kb: string): boolean {
  const { packages } = rulesOfHost(rules, { machineId: '', group: hostsGroup });
  const now = Date.now();
  return packages.some(
    (one) =>
      one.wapt?.forbiddenKbs?.includes(kb) === true ||
      one.rules.some(
        ({ effect, when: { kbs, ...others }, expiresAt }) =>
          effect === 'forbid' &&
          kbs?.includes(kb) === true &&
          Object.keys(others).length === 0 &&
          !(expiresAt !== undefined && Date.parse(expiresAt) <= now),
      ),
  );
}
