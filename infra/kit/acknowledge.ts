import { CfnElement, type IResource, Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Accepts findings of cdk-nag on a construct and what lies in it. Each needs its exact id (with the part in square
 * brackets, where there is one) and the reason.
 */
export function acknowledge(scope: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(reasons)) Validations.of(scope).acknowledge({ id, reason });
}

/** Logical id of a resource in the template, as cdk-nag prints it in a finding. */
export function logicalId(resource: IResource): string {
  const element = resource.node.defaultChild;
  if (!CfnElement.isCfnElement(element)) throw new TypeError(`${resource.node.path} has no element in the template`);
  return String(Stack.of(resource).resolve(element.logicalId));
}
