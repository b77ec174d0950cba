/** What it takes to model a resource type: its properties, its reference value and its attributes. */
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';

/** What a resource's identity may be made of. */
export interface IdentityContext {
  readonly logicalId: string;
  readonly stackName: string;
  readonly region: string;
  readonly accountId: string;
  /** The resolved property that names the resource, when the template gives it. */
  given(property: string): string | undefined;
}

export interface Identity {
  /** What `Ref` gives. */
  readonly ref: string;
  /** What `Fn::GetAtt` gives. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ResourceKind<S extends z.ZodMiniType = z.ZodMiniType> {
  readonly type: string;
  readonly schema: S;
  identify(context: IdentityContext): Identity;
}

export const kind = <S extends z.ZodMiniType>(
  type: string,
  schema: S,
  identify: (context: IdentityContext) => Identity,
): ResourceKind<S> => ({ type, schema, identify });

/**
 * Properties of a resource: those that are modelled, and those that are known and change nothing that a program on this
 * stack could see, each with the reason. Every other property is an error.
 */
export function modelled<const T extends z.core.$ZodShape>(shape: T, inert: Readonly<Record<string, string>> = {}) {
  const strip = z.transform((value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).filter(([key]) => !Object.hasOwn(inert, key)))
      : value,
  );
  return z.pipe(strip, z.strictObject(shape));
}

/** CloudFormation takes numbers and booleans as text, too. */
export const wholeNumber = z.coerce.number().check(z.int());
export const flag = z.union([
  z.boolean(),
  z.pipe(
    z.enum(['true', 'false']),
    z.transform((text) => text === 'true'),
  ),
]);

/**
 * A physical name that is the same on every start. CloudFormation adds a random part; here the name alone must tell
 * resources apart, because one data folder belongs to one stack.
 */
export function physicalName(context: IdentityContext, property: string, maximumLength: number): string {
  const name = context.given(property) ?? `${context.stackName}-${context.logicalId}`;
  if (name.length <= maximumLength) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, maximumLength - 9)}-${hash}`;
}

/** An identifier like those that AWS gives to distributions and APIs: stable, and made of the logical id. */
export const generatedId = (context: IdentityContext, length: number): string =>
  createHash('sha256').update(`${context.stackName}/${context.logicalId}`).digest('hex').slice(0, length);

const noTags = 'tags are for bills and people';
export const tagged = { Tags: noTags } as const;
