/**
 * Evaluates IAM policies for calls within one account.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { AssemblyError } from '#local/assembly/error.ts';
import type { PolicyDocument, PolicyPrincipal, PolicyStatement } from '#local/assembly/resources/policy-document.ts';
import { checkCondition, conditionHolds, type RequestContext } from './condition.ts';
import { matches } from './pattern.ts';

/** Who calls: an identity of the account, or a service of AWS on its behalf. */
export type Caller =
  | { readonly kind: 'identity'; readonly arn: string; readonly accountId: string }
  | { readonly kind: 'service'; readonly service: string };

export interface Request {
  readonly caller: Caller;
  /** For instance `s3:GetObject`. */
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
}

/** What the statements say: an explicit deny is stronger than an allow, and nothing said is no. */
export type Verdict = 'allow' | 'deny' | 'none';

function principalMatches(principal: PolicyPrincipal, caller: Caller): boolean {
  if (principal === '*') return true;
  if (caller.kind === 'service') {
    // A wildcard principal of type AWS stands for everyone, services included.
    return (principal.Service ?? []).some((name) => name === caller.service) || (principal.AWS ?? []).includes('*');
  }
  return (principal.AWS ?? []).some(
    (name) =>
      name === '*' ||
      name === caller.arn ||
      name === caller.accountId ||
      name === `arn:aws:iam::${caller.accountId}:root`,
  );
}

function applies(statement: PolicyStatement, request: Request): boolean {
  const { Principal, NotPrincipal, Action, NotAction, Resource, NotResource, Condition } = statement;
  if (Principal !== undefined && !principalMatches(Principal, request.caller)) return false;
  if (NotPrincipal !== undefined && principalMatches(NotPrincipal, request.caller)) return false;
  if (Action?.some((pattern) => matches(pattern, request.action, true)) === false) return false;
  if (NotAction?.some((pattern) => matches(pattern, request.action, true)) === true) return false;
  if (Resource?.some((pattern) => matches(pattern, request.resource)) === false) return false;
  if (NotResource?.some((pattern) => matches(pattern, request.resource)) === true) return false;
  return Object.entries(Condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) => conditionHolds(operator, key, values, request.context)),
  );
}

/** Evaluates the statements of some documents as one set. */
export function evaluate(documents: readonly PolicyDocument[], request: Request): Verdict {
  let verdict: Verdict = 'none';
  for (const statement of documents.flatMap((document) => document.Statement)) {
    if (!applies(statement, request)) continue;
    if (statement.Effect === 'Deny') return 'deny';
    verdict = 'allow';
  }
  return verdict;
}

/**
 * Refuses, before anything runs, what the evaluator would not understand.
 * @param where names the policy in the message
 * @param form resource policies name a principal, identity policies do not; a trust policy names no resource either
 * @throws AssemblyError `unmodelled-policy`
 */
export function checkDocument(document: PolicyDocument, where: string, form: 'identity' | 'resource' | 'trust'): void {
  const refuse = (what: string): never => {
    throw new AssemblyError('unmodelled-policy', `${where}: ${what}`);
  };
  for (const statement of document.Statement) {
    const { Principal, NotPrincipal, Action, NotAction, Resource, NotResource } = statement;
    if ((Action === undefined) === (NotAction === undefined)) refuse('a statement needs Action or NotAction');
    if (form === 'identity') {
      if (Principal !== undefined || NotPrincipal !== undefined) refuse('an identity policy names no principal');
    } else if ((Principal === undefined) === (NotPrincipal === undefined)) {
      refuse('a resource policy needs Principal or NotPrincipal');
    }
    if (form === 'trust') {
      if (Resource !== undefined || NotResource !== undefined) refuse('a trust policy names no resource');
    } else if ((Resource === undefined) === (NotResource === undefined)) {
      refuse('a statement needs Resource or NotResource');
    }
    for (const text of [...(Resource ?? []), ...(NotResource ?? [])]) {
      if (text.includes('${')) refuse(`the policy variable in ${text} is not modelled`);
    }
    for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
      for (const [key, values] of Object.entries(keys)) {
        const problem = checkCondition(operator, key, values);
        if (problem !== undefined) refuse(problem);
      }
    }
  }
}
