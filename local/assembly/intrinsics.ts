/**
 * CloudFormation's intrinsic functions, as far as the CDK writes them.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
 */
import { AssemblyError } from './error.ts';

/** What names stand for. */
export interface Scope {
  /** Value of a parameter, a pseudo parameter or a resource. Undefined stands for AWS::NoValue. */
  ref(name: string): unknown;
  attribute(logicalId: string, name: string): string;
  condition(name: string): boolean;
}

const fail = (where: string, what: string): never => {
  throw new AssemblyError('unresolved', `${where}: ${what}`);
};

const asArray = (value: unknown, where: string, name: string): readonly unknown[] =>
  Array.isArray(value) ? value : fail(where, `${name} wants a list, got ${JSON.stringify(value)}`);

const asString = (value: unknown, where: string, name: string): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return fail(where, `${name} wants a string, got ${JSON.stringify(value)}`);
};

const functions: Readonly<Record<string, (argument: unknown, scope: Scope, where: string) => unknown>> = {
  Ref: (argument, scope, where) => scope.ref(asString(argument, where, 'Ref')),
  'Fn::GetAtt': (argument, scope, where) => {
    const parts = typeof argument === 'string' ? argument.split('.') : asArray(argument, where, 'Fn::GetAtt');
    const [logicalId, ...path] = parts.map((part) => asString(resolve(part, scope, where), where, 'Fn::GetAtt'));
    return scope.attribute(logicalId ?? '', path.join('.'));
  },
  'Fn::Sub': (argument, scope, where) => {
    const [text, given] = Array.isArray(argument) ? argument : [argument, {}];
    const values = resolve(given ?? {}, scope, where);
    return asString(text, where, 'Fn::Sub').replaceAll(/\$\{(!?)([^}]*)\}/g, (_, literal: string, name: string) => {
      if (literal === '!') return `\${${name}}`;
      if (typeof values === 'object' && values !== null && name in values) {
        return asString(Reflect.get(values, name), where, `\${${name}}`);
      }
      const dot = name.indexOf('.');
      const value = dot < 0 ? scope.ref(name) : scope.attribute(name.slice(0, dot), name.slice(dot + 1));
      return asString(value, where, `\${${name}}`);
    });
  },
  'Fn::Join': (argument, scope, where) => {
    const [delimiter, list] = asArray(argument, where, 'Fn::Join');
    const parts = asArray(resolve(list, scope, where), where, 'Fn::Join');
    return parts.map((part) => asString(part, where, 'Fn::Join')).join(asString(delimiter, where, 'Fn::Join'));
  },
  'Fn::Split': (argument, scope, where) => {
    const [delimiter, text] = asArray(argument, where, 'Fn::Split');
    return asString(resolve(text, scope, where), where, 'Fn::Split').split(asString(delimiter, where, 'Fn::Split'));
  },
  'Fn::Select': (argument, scope, where) => {
    const [index, list] = asArray(argument, where, 'Fn::Select');
    const items = asArray(resolve(list, scope, where), where, 'Fn::Select');
    const position = Number(resolve(index, scope, where));
    return position in items ? items[position] : fail(where, `Fn::Select: no item ${position} of ${items.length}`);
  },
  'Fn::If': (argument, scope, where) => {
    const [name, then, otherwise] = asArray(argument, where, 'Fn::If');
    return resolve(scope.condition(asString(name, where, 'Fn::If')) ? then : otherwise, scope, where);
  },
};

/** The intrinsic function that an object is, if it is one: an object with one key, which is a function's name. */
function intrinsicOf(value: object): readonly [string, unknown] | undefined {
  const entries = Object.entries(value);
  const [entry] = entries;
  if (entries.length !== 1 || entry === undefined) return undefined;
  return entry[0] === 'Ref' || entry[0].startsWith('Fn::') ? entry : undefined;
}

/**
 * Replaces every intrinsic function in a value. What turns out to be AWS::NoValue is left out.
 * @param where names the place in error messages
 * @throws AssemblyError `unresolved` for a function that is not modelled, and for what cannot be resolved
 */
export function resolve(value: unknown, scope: Scope, where: string): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => resolve(item, scope, where)).filter((item) => item !== undefined);
  }
  if (typeof value !== 'object' || value === null) return value;
  const intrinsic = intrinsicOf(value);
  if (intrinsic !== undefined) {
    const [name, argument] = intrinsic;
    const apply = functions[name];
    if (apply === undefined) {
      throw new AssemblyError('unresolved', `${where}: the intrinsic function ${name} is not modelled`);
    }
    return apply(argument, scope, where);
  }
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, resolve(item, scope, `${where}.${key}`)] as const)
      .filter(([, item]) => item !== undefined),
  );
}

/**
 * Evaluates a condition of the template's Conditions section.
 * @throws AssemblyError `unresolved` for a function that is not modelled
 */
export function evaluateCondition(value: unknown, scope: Scope, where: string): boolean {
  if (typeof value !== 'object' || value === null) return fail(where, `not a condition: ${JSON.stringify(value)}`);
  const [entry, ...more] = Object.entries(value);
  if (entry === undefined || more.length > 0) return fail(where, `not a condition: ${JSON.stringify(value)}`);
  const [name, argument] = entry;
  const each = (): boolean[] => asArray(argument, where, name).map((item) => evaluateCondition(item, scope, where));
  switch (name) {
    case 'Condition':
      return scope.condition(asString(argument, where, name));
    case 'Fn::Equals': {
      const [left, right] = asArray(argument, where, name).map((item) => resolve(item, scope, where));
      return JSON.stringify(left) === JSON.stringify(right);
    }
    case 'Fn::And':
      return each().every(Boolean);
    case 'Fn::Or':
      return each().some(Boolean);
    case 'Fn::Not':
      return !each()[0];
    default:
      return fail(where, `the condition function ${name} is not modelled`);
  }
}
