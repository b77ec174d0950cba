import type { Rules } from './book.ts';
import { verdictOf } from './judge.ts';
import type { Judged, Verdict, VerdictCode } from './model.ts';
import { type Match, Weighing } from './weigh.ts';
import { defaultInWords, delayInWords, matchInWords } from './words.ts';

/** One step of the order, and what it said. */
export interface ExplainedStep {
  readonly step: 'forbid' | 'hold' | 'servicing stack' | 'allow' | 'delay' | 'default';
  /** Whether the verdict is from here; of one explanation exactly one is. */
  readonly decided: boolean;
  readonly said: string;
}

/** The step that each verdict is found at. */
const stepOf: Readonly<Record<VerdictCode, ExplainedStep['step']>> = {
  forbidden: 'forbid',
  held: 'hold',
  'servicing-stack': 'servicing stack',
  allowed: 'allow',
  delayed: 'delay',
  'default-allow': 'default',
  'default-deny': 'default',
};

/**
 * The verdict of `judge`, and each step that led to it. The step that decided says the verdict's reason; those after it were
 * not looked at, but for the delay: that it is over, or that there is none, is part of why an update is allowed.
 */
export function explain(
  rules: Rules,
  update: Judged,
  now: Date,
): { readonly verdict: Verdict; readonly steps: readonly ExplainedStep[] } {
  const at = now.getTime();
  const weighing = new Weighing(rules, update, at);
  const verdict = verdictOf(rules, weighing, at);
  const deciding = stepOf[verdict.code];
  const steps: ExplainedStep[] = [];
  for (const step of order) {
    const decided = step === deciding;
    steps.push({ step, decided, said: decided ? verdict.reason : passedBy[step](weighing, at, rules) });
    if (decided && step !== 'allow') break;
    if (step === 'delay' && deciding === 'allow') break;
  }
  return { verdict, steps };
}

const order = ['forbid', 'hold', 'servicing stack', 'allow', 'delay', 'default'] as const;

/** What a step says that did not decide. */
const passedBy: Readonly<Record<ExplainedStep['step'], (weighing: Weighing, at: number, rules: Rules) => string>> = {
  forbid: (weighing) => {
    const ignored = weighing.ignored('forbid');
    return ignored === undefined
      ? 'no rule forbids it'
      : `forbidden by ${words(ignored, weighing)}, which does not count: a servicing stack update is forbidden by id only`;
  },
  hold: (weighing) => {
    const ignored = weighing.ignored('hold');
    return ignored === undefined
      ? 'no rule holds it back'
      : `held back by ${words(ignored, weighing)}, which does not count for a servicing stack update`;
  },
  'servicing stack': () => 'it is no servicing stack update',
  allow: (weighing, at) => {
    const allow = weighing.firstOf('allow', at);
    return allow === undefined ? 'no rule allows it' : `allowed by ${words(allow, weighing)}, once no delay runs`;
  },
  delay: (weighing, at, rules) => {
    const allowed = weighing.firstOf('allow', at) !== undefined || rules.settings.defaultAllow?.value === true;
    if (!allowed) return 'nothing allows it, so no delay counts';
    const delay = weighing.delay();
    return delay === undefined
      ? 'no delay is set for it'
      : `the delay of "${delay.package}" is over: ${delayInWords(delay, weighing.facts)}`;
  },
  default: (_weighing, _at, rules) => defaultInWords(rules.settings.defaultAllow),
};

const words = (match: Match, { facts }: Weighing): string => matchInWords(match, facts);
