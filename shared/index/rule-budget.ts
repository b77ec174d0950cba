import { IndexError } from './index-error.ts';

/** Characters of attributes that a rule may have without counting as more than one. */
const CHARACTERS_PER_RULE = 256;

/** How many more rules may be kept, of all updates whose builders have it. */
export interface RuleBudget {
  left: number;
}

/**
 * Takes from the budget what a rule costs: 1, and more when its attributes have many characters.
 *
 * @throws IndexError `bad-value` when nothing is left
 */
export function spend(budget: RuleBudget, characters: number): void {
  budget.left -= 1 + Math.floor(characters / CHARACTERS_PER_RULE);
  if (budget.left < 0) throw new IndexError('bad-value', 'the rules of all updates together are more than allowed');
}
