/** The calls of Secrets Manager that the stack uses. Source: AWS Secrets Manager API Reference. */
import { randomBytes, randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { JsonCall, Need } from '../json-service.ts';
import { JsonServiceError } from '../json-service.ts';
import type { Secret, SecretStore, SecretVersion } from './store.ts';

export interface SecretsRoom {
  readonly store: SecretStore;
  readonly region: string;
  readonly accountId: string;
  readonly nowMs: () => number;
}

const MAX_SECRET_BYTES = 65_536;
const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';
const PENDING = 'AWSPENDING';

const valueFields = {
  SecretString: z.optional(z.string()),
  SecretBinary: z.optional(z.string()),
  ClientRequestToken: z.optional(z.string()),
};
const createSchema = z.object({
  Name: z.string().check(z.regex(/^[A-Za-z0-9/_+=.@-]{1,512}$/)),
  Description: z.optional(z.string()),
  KmsKeyId: z.optional(z.string()),
  Tags: z.optional(z.array(z.object({ Key: z.string(), Value: z.string() }))),
  ...valueFields,
});
const getSchema = z.object({
  SecretId: z.string(),
  VersionId: z.optional(z.string()),
  VersionStage: z.optional(z.string()),
});
const putSchema = z.object({ SecretId: z.string(), VersionStages: z.optional(z.array(z.string())), ...valueFields });
const onSecret = z.object({ SecretId: z.string() });

const OPERATIONS: Readonly<Record<string, (room: SecretsRoom, call: JsonCall) => object>> = {
  CreateSecret: createSecret,
  GetSecretValue: getSecretValue,
  PutSecretValue: putSecretValue,
  DescribeSecret: describeSecret,
  DeleteSecret: deleteSecret,
};

/** Answers a call. */
export function runSecretsCall(room: SecretsRoom, call: JsonCall): object {
  return operationOf(call)(room, call);
}

function operationOf(call: JsonCall) {
  const operation = OPERATIONS[call.operation];
  if (!operation) {
    throw new JsonServiceError(
      'UnknownOperationException',
      `The local Secrets Manager does not model ${call.operation}.`,
    );
  }
  return operation;
}

/**
 * A secret is touched under its ARN; one that is not there under the ARN that its name would have, with the six
 * characters that AWS adds to names unknown.
 */
export function secretsNeeds(room: SecretsRoom, call: JsonCall): readonly Need[] {
  operationOf(call);
  const action = `secretsmanager:${call.operation}`;
  if (call.operation === 'CreateSecret') {
    return [{ action, resource: `${arnPrefix(room)}${parse(createSchema, call).Name}-??????` }];
  }
  const { SecretId } = parse(z.looseObject({ SecretId: z.string() }), call);
  const found = room.store.find(SecretId)?.arn;
  return [
    { action, resource: found ?? (SecretId.startsWith('arn:') ? SecretId : `${arnPrefix(room)}${SecretId}-??????`) },
  ];
}

const arnPrefix = (room: SecretsRoom) => `arn:aws:secretsmanager:${room.region}:${room.accountId}:secret:`;
const seconds = (ms: number) => ms / 1000;

function parse<S extends z.ZodMiniType>(schema: S, call: JsonCall): z.output<S> {
  const parsed = z.safeParse(schema, call.input);
  if (parsed.success) return parsed.data;
  throw new JsonServiceError('ValidationException', `${call.operation}: ${z.prettifyError(parsed.error)}`);
}

function find(room: SecretsRoom, id: string): Secret {
  const secret = room.store.find(id);
  if (!secret) {
    throw new JsonServiceError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
  return secret;
}

type Value = Pick<SecretVersion, 'secretString' | 'secretBinary'>;

function readValue(given: {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: string | undefined;
}): Value {
  const { SecretString, SecretBinary } = given;
  if (SecretString !== undefined && SecretBinary !== undefined) {
    throw new JsonServiceError('InvalidParameterException', 'SecretString and SecretBinary cannot both be given.');
  }
  const bytes =
    SecretString === undefined ? Buffer.from(SecretBinary ?? '', 'base64').length : Buffer.byteLength(SecretString);
  if (bytes > MAX_SECRET_BYTES) {
    throw new JsonServiceError('ValidationException', `A secret has at most ${MAX_SECRET_BYTES} bytes, got ${bytes}.`);
  }
  return {
    ...(SecretString === undefined ? {} : { secretString: SecretString }),
    ...(SecretBinary === undefined ? {} : { secretBinary: SecretBinary }),
  };
}

const isEmpty = (value: Value) => value.secretString === undefined && value.secretBinary === undefined;

function createSecret(room: SecretsRoom, call: JsonCall): object {
  const given = parse(createSchema, call);
  const value = readValue(given);
  const existing = room.store.find(given.Name);
  const token = given.ClientRequestToken ?? randomUUID();
  if (existing) {
    // The same request again, for instance because its answer got lost.
    const same = existing.versions.find((version) => version.id === token && sameValue(version, value));
    if (same) return { ARN: existing.arn, Name: existing.name, VersionId: same.id };
    throw new JsonServiceError(
      'ResourceExistsException',
      `The operation failed because the secret ${given.Name} already exists.`,
    );
  }
  const now = room.nowMs();
  const secret: Secret = {
    name: given.Name,
    arn: `${arnPrefix(room)}${given.Name}-${randomSuffix()}`,
    ...(given.Description === undefined ? {} : { description: given.Description }),
    ...(given.KmsKeyId === undefined ? {} : { kmsKeyId: given.KmsKeyId }),
    tags: given.Tags ?? [],
    createdMs: now,
    changedMs: now,
    versions: isEmpty(value) ? [] : [{ id: token, createdMs: now, ...value, stages: [CURRENT] }],
  };
  room.store.put(secret);
  return { ARN: secret.arn, Name: secret.name, ...(isEmpty(value) ? {} : { VersionId: token }) };
}

/** A secret under an ARN that is known before: made if it is not there, and a new version of it if its text is another. */
export function putExisting(room: SecretsRoom, arn: string, text: string): void {
  const name = /^arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)-.{6}$/.exec(arn)?.[1];
  if (name === undefined) throw new TypeError(`not the ARN of a secret: ${arn}`);
  const found = room.store.find(arn);
  const now = room.nowMs();
  const version: SecretVersion = { id: randomUUID(), createdMs: now, secretString: text, stages: [CURRENT] };
  if (found === undefined) {
    room.store.put({ name, arn, tags: [], createdMs: now, changedMs: now, versions: [version] });
    return;
  }
  if (found.versions.find(({ stages }) => stages.includes(CURRENT))?.secretString === text) return;
  room.store.put({ ...found, changedMs: now, versions: [...withLabelsTaken(found, [CURRENT]), version] });
}

/** Six letters or digits, so that a policy for an old secret does not fit a new one of the same name. */
function randomSuffix(): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return [...randomBytes(6)].map((byte) => letters[byte % letters.length]).join('');
}

const sameValue = (a: Value, b: Value) => a.secretString === b.secretString && a.secretBinary === b.secretBinary;

function getSecretValue(room: SecretsRoom, call: JsonCall): object {
  const { SecretId, VersionId, VersionStage = VersionId === undefined ? CURRENT : undefined } = parse(getSchema, call);
  const secret = find(room, SecretId);
  const version = secret.versions.find(
    (one) =>
      (VersionId === undefined || one.id === VersionId) &&
      (VersionStage === undefined || one.stages.includes(VersionStage)),
  );
  if (!version) {
    const wanted = VersionId === undefined ? `staging label: ${VersionStage}` : `version id: ${VersionId}`;
    throw new JsonServiceError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${wanted}`,
    );
  }
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.id,
    SecretString: version.secretString,
    SecretBinary: version.secretBinary,
    VersionStages: version.stages,
    CreatedDate: seconds(version.createdMs),
  };
}

function putSecretValue(room: SecretsRoom, call: JsonCall): object {
  const given = parse(putSchema, call);
  const value = readValue(given);
  if (isEmpty(value)) {
    throw new JsonServiceError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
  }
  const secret = find(room, given.SecretId);
  const id = given.ClientRequestToken ?? randomUUID();
  const repeated = secret.versions.find((version) => version.id === id);
  if (repeated) {
    if (!sameValue(repeated, value)) {
      throw new JsonServiceError(
        'ResourceExistsException',
        'A version with this ClientRequestToken and another value exists.',
      );
    }
    return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: repeated.stages };
  }
  const stages = given.VersionStages ?? [CURRENT];
  const now = room.nowMs();
  room.store.put({
    ...secret,
    changedMs: now,
    versions: [...withLabelsTaken(secret, stages), { id, createdMs: now, ...value, stages }],
  });
  return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: stages };
}

/** The versions of a secret when another one gets these labels; one without a label is deprecated, and may be removed. */
const withLabelsTaken = (secret: Secret, taken: readonly string[]): readonly SecretVersion[] =>
  secret.versions
    .map((version) => ({ ...version, stages: keptStages(version, taken) }))
    .filter(({ stages }) => stages.length > 0);

/** A label belongs to one version: the version that loses AWSCURRENT becomes AWSPREVIOUS. */
function keptStages(version: SecretVersion, taken: readonly string[]): string[] {
  const losesCurrent = taken.includes(CURRENT) && version.stages.includes(CURRENT);
  const kept = version.stages.filter(
    (stage) => !taken.includes(stage) && !(taken.includes(CURRENT) && stage === PREVIOUS),
  );
  if (losesCurrent) return [...kept.filter((stage) => stage !== PENDING), PREVIOUS];
  return kept;
}

function describeSecret(room: SecretsRoom, call: JsonCall): object {
  const secret = find(room, parse(onSecret, call).SecretId);
  return {
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    KmsKeyId: secret.kmsKeyId,
    Tags: secret.tags,
    CreatedDate: seconds(secret.createdMs),
    LastChangedDate: seconds(secret.changedMs),
    VersionIdsToStages: Object.fromEntries(secret.versions.map((version) => [version.id, version.stages])),
  };
}

/** There is no recovery window: only a call that says so deletes. */
function deleteSecret(room: SecretsRoom, call: JsonCall): object {
  const schema = z.object({ SecretId: z.string(), ForceDeleteWithoutRecovery: z.optional(z.boolean()) });
  const { SecretId, ForceDeleteWithoutRecovery } = parse(schema, call);
  if (ForceDeleteWithoutRecovery !== true) {
    throw new JsonServiceError(
      'InvalidParameterException',
      'The local Secrets Manager keeps no deleted secrets: ForceDeleteWithoutRecovery must be true.',
    );
  }
  const secret = find(room, SecretId);
  room.store.remove(secret.name);
  return { ARN: secret.arn, Name: secret.name, DeletionDate: seconds(room.nowMs()) };
}
