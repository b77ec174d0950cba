import type { Judged, RuleSet, Verdict } from './model.ts';

/**
 * Judges one update. The first match wins, in WAPT's order: a forbidden KB, an allowed KB, an allowed severity, else
 * the default. The order of the lists plays no part, and an update with several KB numbers is forbidden when one of
 * them is: what carries a forbidden fix is forbidden as a whole.
 */
export function judge(rules: RuleSet, update: Judged): Verdict {
  const forbidden = update.kbs.find((kb) => rules.forbiddenKbs.includes(kb));
  if (forbidden !== undefined) {
    return { allowed: false, code: 'forbidden-kb', reason: `KB${forbidden} is forbidden` };
  }
  const allowed = update.kbs.find((kb) => rules.allowedKbs.includes(kb));
  if (allowed !== undefined) return { allowed: true, code: 'allowed-kb', reason: `KB${allowed} is allowed` };
  if (update.severity !== undefined && rules.allowedSeverities.includes(update.severity)) {
    return { allowed: true, code: 'allowed-severity', reason: `severity ${update.severity} is allowed` };
  }
  const what = [
    update.kbs.length === 0 ? 'an update without a KB number' : update.kbs.map((kb) => `KB${kb}`).join(', '),
    update.severity === undefined ? 'without a severity' : `with severity ${update.severity}`,
  ].join(' ');
  return rules.defaultAllow
    ? { allowed: true, code: 'default-allow', reason: `no rule mentions ${what}, and the default is to allow` }
    : { allowed: false, code: 'default-deny', reason: `no rule allows ${what}, and the default is to hold back` };
}
