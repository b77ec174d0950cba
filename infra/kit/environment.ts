import { Token } from 'aws-cdk-lib';
import * as z from 'zod/mini';

/** Env schema of a function: functions/<name>/env.ts exports one. */
export type EnvSchema = z.ZodMiniObject;

/**
 * Compares what a function asks for with what the stack gave it.
 *
 * @returns one line for each key that nobody gave a value, each value that the function does not ask for, and each
 *   literal that the schema refuses (what CloudFormation fills in later can only be checked by the function itself)
 */
export function environmentFaults(
  functionName: string,
  schema: EnvSchema,
  values: Readonly<Record<string, string>>,
): readonly string[] {
  const faults: string[] = [];
  for (const [key, field] of Object.entries(schema.shape)) {
    const value = values[key];
    if (value === undefined) {
      if (!z.safeParse(field, undefined).success) {
        faults.push(`${functionName}: nothing in the stack gives ${key} a value, and its env.ts asks for it`);
      }
    } else if (!Token.isUnresolved(value)) {
      const parsed = z.safeParse(field, value);
      if (!parsed.success) {
        const why = parsed.error.issues.map((issue) => issue.message).join('; ');
        faults.push(`${functionName}: its env.ts refuses ${key} = ${JSON.stringify(value)} (${why})`);
      }
    }
  }
  for (const key of Object.keys(values)) {
    if (!(key in schema.shape)) {
      faults.push(`${functionName}: the stack gives ${key} a value, but its env.ts does not ask for it`);
    }
  }
  return faults;
}
