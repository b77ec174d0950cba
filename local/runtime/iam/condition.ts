/**
 * Condition operators and keys of IAM.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
import { matches } from './pattern.ts';

/** Condition keys that the runner gives to a request, in lower case. Others cannot be decided, and are refused at load. */
const contextKeys = [
  'aws:principalaccount',
  'aws:principalarn',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:securetransport',
  's3:tlsversion',
] as const;

type Compare = (expected: string, actual: string) => boolean;

const numeric =
  (decide: (actual: number, expected: number) => boolean): Compare =>
  (expected, actual) =>
    decide(Number(actual), Number(expected));

/** Positive operators; a list of values holds when one of them does. */
const operators: Readonly<Record<string, Compare>> = {
  StringEquals: (expected, actual) => expected === actual,
  StringEqualsIgnoreCase: (expected, actual) => expected.toLowerCase() === actual.toLowerCase(),
  StringLike: (expected, actual) => matches(expected, actual),
  // ArnEquals and ArnLike behave alike.
  ArnEquals: (expected, actual) => arnMatches(expected, actual),
  ArnLike: (expected, actual) => arnMatches(expected, actual),
  Bool: (expected, actual) => expected.toLowerCase() === actual.toLowerCase(),
  NumericEquals: numeric((actual, expected) => actual === expected),
  NumericLessThan: numeric((actual, expected) => actual < expected),
  NumericLessThanEquals: numeric((actual, expected) => actual <= expected),
  NumericGreaterThan: numeric((actual, expected) => actual > expected),
  NumericGreaterThanEquals: numeric((actual, expected) => actual >= expected),
};

/** Negations hold when none of their values matches, and also when the key is absent. */
const negations: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
};

/** Wildcards in an ARN do not reach over its first five colons. */
function arnMatches(pattern: string, arn: string): boolean {
  const split = (text: string): string[] => {
    const parts = text.split(':');
    return [...parts.slice(0, 5), parts.slice(5).join(':')];
  };
  if (pattern === '*') return true;
  const actual = split(arn);
  return split(pattern).every((part, index) => matches(part, actual[index] ?? ''));
}

const ifExists = /IfExists$/;

/** What is not modelled about a condition, or undefined. */
export function checkCondition(operator: string, key: string, values: readonly string[]): string | undefined {
  const name = operator.replace(ifExists, '');
  if (name !== 'Null' && operators[name] === undefined && negations[name] === undefined) {
    return `the condition operator ${operator} is not modelled`;
  }
  if (!contextKeys.some((known) => known === key.toLowerCase())) return `the condition key ${key} is not modelled`;
  const variable = values.find((value) => value.includes('${'));
  return variable === undefined ? undefined : `the policy variable in ${variable} is not modelled`;
}

/** Whether one key of a condition holds. Both operator and key have passed {@link checkCondition}. */
export function conditionHolds(
  operator: string,
  key: string,
  values: readonly string[],
  context: Readonly<Record<string, string>>,
): boolean {
  const actual = context[key.toLowerCase()];
  const name = operator.replace(ifExists, '');
  if (name === 'Null') return values.some((value) => (value === 'true') === (actual === undefined));
  const negated = negations[name];
  if (actual === undefined) return negated !== undefined || ifExists.test(operator);
  const compare = operators[negated ?? name];
  if (compare === undefined) return false;
  const some = values.some((value) => compare(value, actual));
  return negated === undefined ? some : !some;
}
