/**
 * The form of an IAM policy document.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
import * as z from 'zod/mini';

const oneOrMore = z.pipe(
  z.union([z.string(), z.array(z.string())]),
  z.transform((value): readonly string[] => (typeof value === 'string' ? [value] : value)),
);
const conditionValues = z.pipe(
  z.union([z.string(), z.boolean(), z.number(), z.array(z.union([z.string(), z.boolean(), z.number()]))]),
  z.transform((value): readonly string[] => (Array.isArray(value) ? value : [value]).map(String)),
);
const principal = z.union([
  z.literal('*'),
  z.strictObject({ AWS: z.optional(oneOrMore), Service: z.optional(oneOrMore) }),
]);

const statement = z.strictObject({
  Sid: z.optional(z.string()),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.optional(principal),
  NotPrincipal: z.optional(principal),
  Action: z.optional(oneOrMore),
  NotAction: z.optional(oneOrMore),
  Resource: z.optional(oneOrMore),
  NotResource: z.optional(oneOrMore),
  Condition: z.optional(z.record(z.string(), z.record(z.string(), conditionValues))),
});

export const policyDocument = z.strictObject({
  Version: z.optional(z.literal('2012-10-17')),
  Id: z.optional(z.string()),
  Statement: z.pipe(
    z.union([statement, z.array(statement)]),
    z.transform((value) => (Array.isArray(value) ? value : [value])),
  ),
});

export type PolicyDocument = z.infer<typeof policyDocument>;
export type PolicyStatement = z.infer<typeof statement>;
export type PolicyPrincipal = z.infer<typeof principal>;
