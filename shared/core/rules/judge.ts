import type { Rules } from './book.ts';
import type { Judged, Verdict } from './model.ts';
import { type Finding, type Match, Weighing } from './weigh.ts';
import { defaultInWords, delayInWords, matchInWords, updateInWords } from './words.ts';

export { compileRules, type Rules } from './book.ts';

/**
 * Judges one update. The order is total and the same wherever it is asked: forbid, hold, servicing stack, allow, delay,
 * default. Inside a step native rules come before WAPT's lists, and among native ones package priority (higher first), name and
 * place in the package decide which is named; WAPT's lists count in WAPT's own order, all packages united.
 *
 * - An update is forbidden when one of its KB numbers is: what carries a forbidden fix is forbidden as a whole.
 * - Servicing stack updates are allowed whatever is said of them, unless a rule or WAPT's list forbids them by id.
 * - A delay counts for what is allowed, by a rule or by default, but not for servicing stack updates.
 */
export function judge(rules: Rules, update: Judged, now: Date): Verdict {
  return verdictOf(rules, new Weighing(rules, update, now.getTime()), now.getTime());
}

/** @param now of the weighing */
export function verdictOf(rules: Rules, weighing: Weighing, now: number): Verdict {
  const finding = weighing.find(now);
  const change = changeOf(finding, weighing, now);
  const until = change === undefined ? {} : { until: new Date(change).toISOString() };
  return { ...wordsOf(rules, weighing, finding, until), ...until };
}

/** The first moment at which another decision, or the same at another step, holds without anybody's doing. */
function changeOf(finding: Finding, weighing: Weighing, now: number): number | undefined {
  for (let at = weighing.nextChange(now); at !== Number.POSITIVE_INFINITY; at = weighing.nextChange(at)) {
    if (weighing.find(at).code !== finding.code) return at;
  }
  return undefined;
}

/** What is not allowed says until when, for people who read the reason alone. */
function wordsOf(
  rules: Rules,
  weighing: Weighing,
  { code, match }: Finding,
  { until }: Pick<Verdict, 'until'>,
): Verdict {
  const { facts } = weighing;
  const ends = until === undefined ? '' : ` until ${until}`;
  const said = match === undefined ? '' : matchInWords(match, facts);
  const by = match === undefined ? {} : { by: sourceOf(match) };
  const { defaultAllow } = rules.settings;
  const settings =
    defaultAllow === undefined ? {} : { by: { package: defaultAllow.package, rule: 'settings' } as const };
  switch (code) {
    case 'forbidden':
      return { allowed: false, code, reason: `forbidden${ends} by ${said}`, ...by };
    case 'held':
      return { allowed: false, code, reason: `held back${ends} by ${said}`, ...by };
    case 'allowed':
      return { allowed: true, code, reason: `allowed by ${said}`, ...by };
    case 'servicing-stack':
      return {
        allowed: true,
        code,
        reason: 'allowed as a servicing stack update: other updates need it, and no rule forbids it by id',
      };
    case 'delayed': {
      const delay = weighing.delay();
      if (delay === undefined) throw new Error('unreachable: what is delayed has a delay');
      // Where something else comes before the end of the delay, nobody is to wait for that end.
      const isOvertaken = until !== undefined && Date.parse(until) !== delay.endsAt;
      const [delayEnds, allowEnds] = isOvertaken ? ['', ends] : [ends, ''];
      const otherwise =
        match === undefined ? `${defaultInWords(defaultAllow)}${allowEnds}` : `allowed${allowEnds} by ${said}`;
      return {
        allowed: false,
        code,
        reason: `delayed${delayEnds} by "${delay.package}": ${delayInWords(delay, facts)}; otherwise ${otherwise}`,
        by: { package: delay.package, rule: 'settings' },
      };
    }
    default: {
      const allowed = code === 'default-allow';
      const verb = allowed ? 'mentions' : 'allows';
      const reason = `no rule ${verb} ${updateInWords(facts.update)}, and ${defaultInWords(defaultAllow)}`;
      return { allowed, code, reason, ...settings };
    }
  }
}

const sourceOf = (match: Match): NonNullable<Verdict['by']> =>
  'list' in match ? { package: match.package, rule: 'wapt' } : { package: match.rule.package, rule: match.rule.place };
