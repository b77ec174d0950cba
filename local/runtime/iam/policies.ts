/** The policies of a stack, gathered by what they hang on and checked before anything runs. */
import { AssemblyError } from '#local/assembly/error.ts';
import * as compute from '#local/assembly/resources/compute.ts';
import type { PolicyDocument, PolicyStatement } from '#local/assembly/resources/policy-document.ts';
import * as storage from '#local/assembly/resources/storage.ts';
import type { StackModel } from '#local/assembly/stack-model.ts';
import { managedPolicies } from './managed-policies.ts';
import { checkDocument } from './policy.ts';

interface RolePolicies {
  readonly arn: string;
  readonly name: string;
  readonly trust: PolicyDocument;
  readonly identity: readonly PolicyDocument[];
}

export interface StackPolicies {
  /** By ARN. */
  readonly roles: ReadonlyMap<string, RolePolicies>;
  /** Resource policies by the ARN of the bucket, table, queue, secret, key or function. */
  readonly resources: ReadonlyMap<string, readonly PolicyDocument[]>;
}

/**
 * @throws AssemblyError `unmodelled-policy` for anything that the evaluator would not understand
 */
export function gatherPolicies(model: StackModel): StackPolicies {
  return { roles: gatherRoles(model), resources: gatherResourcePolicies(model) };
}

function gatherRoles(model: StackModel): ReadonlyMap<string, RolePolicies> {
  const documents = new Map<string, PolicyDocument[]>();
  const attach = (roleName: string, document: PolicyDocument): void => {
    documents.set(roleName, [...(documents.get(roleName) ?? []), document]);
  };
  const ownManaged = new Map(model.of(compute.managedPolicy).map((policy) => [policy.ref, policy]));
  for (const role of model.of(compute.role)) {
    checkDocument(role.properties.AssumeRolePolicyDocument, `trust policy of ${role.logicalId}`, 'trust');
    for (const { PolicyName, PolicyDocument } of role.properties.Policies) {
      checkDocument(PolicyDocument, `policy ${PolicyName} of ${role.logicalId}`, 'identity');
      attach(role.ref, PolicyDocument);
    }
    for (const arn of role.properties.ManagedPolicyArns) {
      const document = managedPolicies[arn] ?? ownManaged.get(arn)?.properties.PolicyDocument;
      if (document === undefined) {
        throw new AssemblyError('unmodelled-policy', `${role.logicalId}: the managed policy ${arn} is not known here`);
      }
      attach(role.ref, document);
    }
  }
  for (const { logicalId, properties } of [...model.of(compute.policy), ...model.of(compute.managedPolicy)]) {
    checkDocument(properties.PolicyDocument, logicalId, 'identity');
    for (const name of properties.Roles) attach(name, properties.PolicyDocument);
  }
  return new Map(
    model.of(compute.role).map((role) => {
      const arn = role.attributes.Arn ?? role.ref;
      const trust = role.properties.AssumeRolePolicyDocument;
      return [arn, { arn, name: role.ref, trust, identity: documents.get(role.ref) ?? [] }];
    }),
  );
}

function gatherResourcePolicies(model: StackModel): ReadonlyMap<string, readonly PolicyDocument[]> {
  const documents = new Map<string, PolicyDocument[]>();
  const attach = (logicalId: string, arn: string, document: PolicyDocument): void => {
    checkDocument(document, logicalId, 'resource');
    documents.set(arn, [...(documents.get(arn) ?? []), document]);
  };
  for (const { logicalId, properties } of model.of(storage.bucketPolicy)) {
    attach(logicalId, `arn:aws:s3:::${properties.Bucket}`, properties.PolicyDocument);
  }
  const queueArns = new Map(model.of(storage.queue).map((queue) => [queue.ref, queue.attributes.Arn ?? '']));
  for (const { logicalId, properties } of model.of(storage.queuePolicy)) {
    for (const url of properties.Queues) attach(logicalId, queueArns.get(url) ?? url, properties.PolicyDocument);
  }
  for (const { logicalId, properties } of model.of(storage.secretPolicy)) {
    attach(logicalId, properties.SecretId, properties.ResourcePolicy);
  }
  for (const { logicalId, ref, attributes, properties } of model.of(storage.kmsKey)) {
    attach(logicalId, attributes.Arn ?? ref, properties.KeyPolicy);
  }
  for (const { logicalId, ref, attributes, properties } of [
    ...model.of(storage.table),
    ...model.of(storage.globalTable),
  ]) {
    if (properties.ResourcePolicy !== undefined)
      attach(logicalId, attributes.Arn ?? ref, properties.ResourcePolicy.PolicyDocument);
  }
  for (const { logicalId, properties } of model.of(compute.permission)) {
    const arn = functionArn(model, properties.FunctionName);
    attach(logicalId, arn, { Version: '2012-10-17', Statement: [permissionStatement(properties, arn)] });
  }
  return documents;
}

/** A function is named by its name or its ARN. */
function functionArn(model: StackModel, nameOrArn: string): string {
  const known = model
    .of(compute.lambdaFunction)
    .find((candidate) => candidate.ref === nameOrArn || candidate.attributes.Arn === nameOrArn);
  const arn = known?.attributes.Arn;
  if (arn === undefined) throw new AssemblyError('unresolved', `there is no function ${nameOrArn} in this stack`);
  return arn;
}

/** Lambda keeps a permission as a statement of the function's resource policy. */
function permissionStatement(
  permission: {
    readonly Action: string;
    readonly Principal: string;
    readonly SourceArn?: string | undefined;
    readonly SourceAccount?: string | undefined;
  },
  arn: string,
): PolicyStatement {
  const { Action, Principal, SourceArn, SourceAccount } = permission;
  return {
    Effect: 'Allow',
    Action: [Action],
    Resource: [arn],
    Principal: Principal.endsWith('.amazonaws.com') ? { Service: [Principal] } : { AWS: [Principal] },
    Condition: {
      ...(SourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': [SourceArn] } }),
      ...(SourceAccount === undefined ? {} : { StringEquals: { 'aws:SourceAccount': [SourceAccount] } }),
    },
  };
}
