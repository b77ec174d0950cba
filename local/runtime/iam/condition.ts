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
  // Of one event each: the embedded server asks for every entry of a call by itself.
  'events:detail-type',
  'events:source',
  's3:if-none-match',
  's3:tlsversion',
] as const;

/**
 * Keys of which a request may have several values. They are only understood with `ForAllValues:` or `ForAnyValue:`
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html).
 */
const setKeys = ['dynamodb:leadingkeys'] as const;

/** Values of condition keys, by key in lower case. */
export type RequestContext = Readonly<Record<string, string | readonly string[]>>;

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
const setPrefix = /^(ForAllValues|ForAnyValue):/;

/** An operator without what is put before and behind its name. */
const nameOf = (operator: string): string => operator.replace(setPrefix, '').replace(ifExists, '');

/** What is not modelled about a condition, or undefined. */
export function checkCondition(operator: string, key: string, values: readonly string[]): string | undefined {
  const name = nameOf(operator);
  const isNull = operator === 'Null';
  if (!isNull && operators[name] === undefined && negations[name] === undefined) {
    return `the condition operator ${operator} is not modelled`;
  }
  const isSet = setKeys.some((known) => known === key.toLowerCase());
  if (!isSet && !contextKeys.some((known) => known === key.toLowerCase())) {
    return `the condition key ${key} is not modelled`;
  }
  if (isSet && !isNull && !setPrefix.test(operator)) {
    return `${operator} with ${key}, which has several values; allowed are ForAllValues: and ForAnyValue:`;
  }
  if (!isSet && setPrefix.test(operator)) return `${operator} with ${key}, which has one value, is not modelled`;
  const variable = values.find((value) => value.includes('${'));
  return variable === undefined ? undefined : `the policy variable in ${variable} is not modelled`;
}

/** Whether one key of a condition holds. Both operator and key have passed {@link checkCondition}. */
export function conditionHolds(
  operator: string,
  key: string,
  values: readonly string[],
  context: RequestContext,
): boolean {
  const actual = context[key.toLowerCase()];
  const name = nameOf(operator);
  if (name === 'Null') return values.some((value) => (value === 'true') === (actual === undefined));
  const negated = negations[name];
  const set = setPrefix.exec(operator)?.[1];
  if (actual === undefined) {
    // No value at all: each of them matches, and none does.
    if (set !== undefined) return set === 'ForAllValues' || ifExists.test(operator);
    return negated !== undefined || ifExists.test(operator);
  }
  const compare = operators[negated ?? name];
  if (compare === undefined) return false;
  const holds = (one: string): boolean => values.some((value) => compare(value, one)) === (negated === undefined);
  if (typeof actual === 'string') return holds(actual);
  return set === 'ForAllValues' ? actual.every(holds) : actual.some(holds);
}
