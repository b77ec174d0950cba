import * as z from 'zod/mini';
import type { Resource } from './synth.ts';

const statement = z.object({
  Effect: z.string(),
  Action: z.union([z.string(), z.array(z.string())]),
  Resource: z.optional(z.unknown()),
  Principal: z.optional(z.unknown()),
  Condition: z.optional(z.record(z.string(), z.record(z.string(), z.unknown()))),
});
type Statement = z.infer<typeof statement>;
const document = z.object({ PolicyDocument: z.object({ Statement: z.array(statement) }) });

/** Statements of a role's, a bucket's or a queue's policy. */
export const statementsOf = (resource: Resource): readonly Statement[] =>
  document.parse(resource.properties).PolicyDocument.Statement;

/** Policies write one value or a list of them. */
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

/** A text that is only put together at deployment. */
const joined = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });

/** Last part of such a text: behind a bucket's ARN the keys, behind `integrations/` a reference. */
export const lastJoined = (value: unknown): unknown => joined.safeParse(value).data?.['Fn::Join'][1].at(-1) ?? '';
