/** The typed model of a synthesized stack: every resource known, every property understood, every reference resolved. */
import type * as z from 'zod/mini';
import { type CloudAssembly, describeIssues } from './cloud-assembly.ts';
import { AssemblyError } from './error.ts';
import { evaluateCondition, resolve, type Scope } from './intrinsics.ts';
import * as compute from './resources/compute.ts';
import * as edge from './resources/edge.ts';
import * as identity from './resources/identity.ts';
import { inertKinds } from './resources/inert.ts';
import type { Identity, ResourceKind } from './resources/kind.ts';
import * as storage from './resources/storage.ts';

export interface Resource<P> {
  readonly logicalId: string;
  /** What `Ref` gives: the physical name, the id or the ARN, as the type has it. */
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly properties: P;
}

export interface StackModel {
  readonly stackName: string;
  readonly region: string;
  readonly accountId: string;
  /** Resources of a type, in the order of the template. */
  of<S extends z.ZodMiniType>(kind: ResourceKind<S>): readonly Resource<z.infer<S>>[];
  /** Resources that are left out, each with the reason. */
  readonly inert: readonly { readonly logicalId: string; readonly type: string; readonly reason: string }[];
  /** CfnOutputs by their logical ids, with the addresses that AWS would give. */
  readonly outputs: Readonly<Record<string, string>>;
}

export interface ModelOptions {
  /** Region where the template leaves it open. */
  readonly defaultRegion: string;
  readonly accountId: string;
  /** Identities that only the running services know, by logical id (a secret's ARN has a random part). */
  readonly identities?: ReadonlyMap<string, Identity>;
}

const kinds: ReadonlyMap<string, ResourceKind> = new Map(
  [
    ...Object.values(storage),
    ...Object.values(compute),
    ...Object.values(edge),
    ...Object.values(identity),
    ...inertKinds,
  ].map((kind) => [kind.type, kind]),
);

/** Names and values that intrinsic functions can refer to; identities are worked out when first asked for. */
class TemplateScope implements Scope {
  readonly #assembly: CloudAssembly;
  readonly #options: ModelOptions;
  readonly #identities = new Map<string, Identity>();
  readonly #pseudo: ReadonlyMap<string, unknown>;
  readonly #resolving = new Set<string>();
  readonly region: string;

  constructor(assembly: CloudAssembly, options: ModelOptions) {
    this.#assembly = assembly;
    this.#options = options;
    this.region = assembly.region ?? options.defaultRegion;
    this.#pseudo = new Map<string, unknown>([
      ['AWS::Region', this.region],
      ['AWS::AccountId', options.accountId],
      ['AWS::Partition', 'aws'],
      ['AWS::URLSuffix', 'amazonaws.com'],
      ['AWS::StackName', assembly.stackName],
      ['AWS::StackId', `arn:aws:cloudformation:${this.region}:${options.accountId}:stack/${assembly.stackName}/local`],
      ['AWS::NoValue', undefined],
    ]);
  }

  ref(name: string): unknown {
    if (this.#pseudo.has(name)) return this.#pseudo.get(name);
    const parameter = this.#assembly.template.Parameters[name];
    if (parameter !== undefined) {
      if (parameter.Default !== undefined) return parameter.Default;
      throw new AssemblyError('unresolved', `parameter ${name} has no default, and nobody to give it a value`);
    }
    return this.identity(name).ref;
  }

  attribute(logicalId: string, name: string): string {
    const value = this.identity(logicalId).attributes[name];
    if (value !== undefined) return value;
    const type = this.#assembly.template.Resources[logicalId]?.Type ?? 'nothing';
    throw new AssemblyError(
      'unresolved',
      `Fn::GetAtt ${logicalId}.${name}: ${type} has no attribute ${name} that is modelled`,
    );
  }

  condition(name: string): boolean {
    const condition = this.#assembly.template.Conditions[name];
    if (condition === undefined) throw new AssemblyError('unresolved', `there is no condition ${name}`);
    return evaluateCondition(condition, this, `condition ${name}`);
  }

  identity(logicalId: string): Identity {
    const known = this.#options.identities?.get(logicalId) ?? this.#identities.get(logicalId);
    if (known !== undefined) return known;
    const resource = this.#assembly.template.Resources[logicalId];
    if (resource === undefined) throw new AssemblyError('unresolved', `there is no resource or parameter ${logicalId}`);
    if (this.#resolving.has(logicalId)) throw new AssemblyError('unresolved', `${logicalId} is named by itself`);
    this.#resolving.add(logicalId);
    const identity = kindOf(logicalId, resource.Type).identify({
      logicalId,
      stackName: this.#assembly.stackName,
      region: this.region,
      accountId: this.#options.accountId,
      given: (property) => {
        const value = resolve(resource.Properties[property], this, `${logicalId}.${property}`);
        return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined;
      },
    });
    this.#resolving.delete(logicalId);
    this.#identities.set(logicalId, identity);
    return identity;
  }
}

function kindOf(logicalId: string, type: string): ResourceKind {
  const kind = kinds.get(type);
  if (kind !== undefined) return kind;
  throw new AssemblyError('unmodelled-resource', `${logicalId}: resources of type ${type} are not modelled`);
}

/**
 * Reads every resource of the template.
 * @throws AssemblyError that names the resource, and the type, property or function that is not modelled
 */
export function loadStackModel(assembly: CloudAssembly, options: ModelOptions): StackModel {
  const scope = new TemplateScope(assembly, options);
  const resources = new Map<string, Resource<unknown>[]>();
  const inert: StackModel['inert'][number][] = [];
  for (const [logicalId, resource] of Object.entries(assembly.template.Resources)) {
    if (resource.Condition !== undefined && !scope.condition(resource.Condition)) continue;
    const kind = kindOf(logicalId, resource.Type);
    if ('reason' in kind) {
      inert.push({ logicalId, type: resource.Type, reason: String(kind.reason) });
      continue;
    }
    const parsed = kind.schema.safeParse(resolve(resource.Properties, scope, logicalId));
    if (!parsed.success) {
      const what = `${logicalId} (${resource.Type}): ${describeIssues(parsed.error.issues)}`;
      throw new AssemblyError('unmodelled-property', what, { cause: parsed.error });
    }
    const list = resources.get(resource.Type) ?? [];
    list.push({ logicalId, ...scope.identity(logicalId), properties: parsed.data });
    resources.set(resource.Type, list);
  }
  const outputs: Record<string, string> = {};
  for (const [name, output] of Object.entries(assembly.template.Outputs)) {
    if (output.Condition !== undefined && !scope.condition(output.Condition)) continue;
    outputs[name] = String(resolve(output.Value, scope, `output ${name}`));
  }
  return {
    stackName: assembly.stackName,
    region: scope.region,
    accountId: options.accountId,
    // Parsed by the schema of this very kind, above.
    of: <S extends z.ZodMiniType>(kind: ResourceKind<S>) =>
      (resources.get(kind.type) ?? []) as readonly Resource<z.infer<S>>[],
    inert,
    outputs,
  };
}
