import type { Comparison, StringComparison } from './model.ts';

/** What one operator says: true, false, or a text that says what is not known. */
export type Answer = boolean | string;

/** @param order negative, 0 or positive, as what the host has is less than, equal to or greater than what is asked for */
export function holds(comparison: Comparison, order: number): boolean {
  switch (comparison) {
    case 'LessThan':
      return order < 0;
    case 'LessThanOrEqualTo':
      return order <= 0;
    case 'EqualTo':
      return order === 0;
    case 'GreaterThanOrEqualTo':
      return order >= 0;
    case 'GreaterThan':
      return order > 0;
  }
}

/** Where the sources leave two readings open, the answer is known when both agree. */
export const agreed = (one: boolean, other: boolean, otherwise: string): Answer => (one === other ? one : otherwise);

/** Whether case counts is documented nowhere: where it would, the answer is not known. */
export function compareTexts(comparison: StringComparison, has: string, wants: string): Answer {
  const test = (a: string, b: string): boolean => {
    switch (comparison) {
      case 'EqualTo':
        return a === b;
      case 'BeginsWith':
        return a.startsWith(b);
      case 'EndsWith':
        return a.endsWith(b);
      case 'Contains':
        return a.includes(b);
    }
  };
  return agreed(test(has, wants), test(has.toLowerCase(), wants.toLowerCase()), 'whether case counts');
}

/** False when one is false, else unknown when one is. */
export function allOf(answers: readonly Answer[]): Answer {
  if (answers.includes(false)) return false;
  return answers.find((answer) => typeof answer === 'string') ?? true;
}

/** True when one is true, else unknown when one is. */
export function anyOf(answers: readonly Answer[]): Answer {
  if (answers.includes(true)) return true;
  return answers.find((answer) => typeof answer === 'string') ?? false;
}

/** Language tags: whether a tag without a region means any region is documented nowhere. */
export function sameLanguage(has: string, wants: string): Answer {
  const [a, b] = [has.toLowerCase(), wants.toLowerCase()];
  if (a === b) return true;
  return a.startsWith(`${b}-`) || b.startsWith(`${a}-`) ? `whether ${wants} means ${has}` : false;
}
