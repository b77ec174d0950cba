/** The calls of KMS that the stack uses: asymmetric keys on P-256 that sign. Source: AWS KMS API Reference. */
import { createHash, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import * as z from 'zod/mini';
import type { JsonCall, Need } from '../json-service.ts';
import { JsonServiceError } from '../json-service.ts';
import { derOfDigest } from './digest-signature.ts';
import type { KeyStore, StoredKey } from './store.ts';

export interface KmsRoom {
  readonly store: KeyStore;
  readonly region: string;
  readonly accountId: string;
  readonly nowMs: () => number;
}

/** Of a message that KMS itself digests. Bytes. */
const maxMessageBytes = 4096;
const algorithm = 'ECDSA_SHA_256';
const keySpec = 'ECC_NIST_P256';
const usage = 'SIGN_VERIFY';

const createSchema = z.object({
  Description: z._default(z.string(), ''),
  KeySpec: z.string(),
  KeyUsage: z.string(),
  Tags: z._default(z.array(z.object({ TagKey: z.string(), TagValue: z.string() })), []),
});
const onKey = z.looseObject({ KeyId: z.string() });
const signSchema = z.object({
  KeyId: z.string(),
  Message: z.string(),
  MessageType: z._default(z.enum(['RAW', 'DIGEST']), 'RAW'),
  SigningAlgorithm: z.string(),
});
const aliasSchema = z.object({
  AliasName: z.string().check(z.regex(/^alias\/[A-Za-z0-9/_-]{1,250}$/)),
  TargetKeyId: z.string(),
});

const operations: Readonly<Record<string, (room: KmsRoom, call: JsonCall) => object>> = {
  CreateKey: createKey,
  CreateAlias: createAlias,
  DescribeKey: describeKey,
  GetPublicKey: getPublicKey,
  ListKeys: (room) => ({
    Keys: room.store.keys().map(({ keyId, arn }) => ({ KeyId: keyId, KeyArn: arn })),
    Truncated: false,
  }),
  ListResourceTags: (room, call) => ({ Tags: find(room, parse(onKey, call).KeyId).tags, Truncated: false }),
  Sign: signMessage,
};

/** Answers a call. @throws JsonServiceError */
export const runKmsCall = (room: KmsRoom, call: JsonCall): object => operationOf(call)(room, call);

function operationOf(call: JsonCall) {
  const operation = operations[call.operation];
  if (operation === undefined)
    throw new JsonServiceError('UnsupportedOperationException', `The local KMS does not model ${call.operation}.`);
  return operation;
}

/** A key is touched under its ARN, also when it is named by an alias. */
export function kmsNeeds(room: KmsRoom, call: JsonCall): readonly Need[] {
  operationOf(call);
  const action = `kms:${call.operation}`;
  if (call.operation === 'CreateKey' || call.operation === 'ListKeys') return [{ action, resource: '*' }];
  if (call.operation === 'CreateAlias') {
    const { AliasName, TargetKeyId } = parse(aliasSchema, call);
    return [
      { action, resource: `arn:aws:kms:${room.region}:${room.accountId}:${AliasName}` },
      { action, resource: find(room, TargetKeyId).arn },
    ];
  }
  return [{ action, resource: find(room, parse(onKey, call).KeyId).arn }];
}

function parse<S extends z.ZodMiniType>(schema: S, call: JsonCall): z.output<S> {
  const parsed = z.safeParse(schema, call.input);
  if (parsed.success) return parsed.data;
  throw new JsonServiceError('ValidationException', `${call.operation}: ${z.prettifyError(parsed.error)}`);
}

function find(room: KmsRoom, id: string): StoredKey {
  const key = room.store.find(id);
  if (key === undefined) throw new JsonServiceError('NotFoundException', `Key '${id}' does not exist`);
  return key;
}

function createKey(room: KmsRoom, call: JsonCall): object {
  const { Description, KeySpec, KeyUsage, Tags } = parse(createSchema, call);
  if (KeySpec !== keySpec || KeyUsage !== usage)
    throw new JsonServiceError(
      'UnsupportedOperationException',
      `The local KMS makes keys of the kind ${keySpec} for ${usage}, got ${KeySpec} for ${KeyUsage}.`,
    );
  const keyId = randomUUID();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key: StoredKey = {
    keyId,
    arn: `arn:aws:kms:${room.region}:${room.accountId}:key/${keyId}`,
    description: Description,
    createdMs: room.nowMs(),
    tags: Tags,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  room.store.add(key);
  return { KeyMetadata: metadataOf(room, key) };
}

function createAlias(room: KmsRoom, call: JsonCall): object {
  const { AliasName, TargetKeyId } = parse(aliasSchema, call);
  if (room.store.aliases()[AliasName] !== undefined)
    throw new JsonServiceError('AlreadyExistsException', `An alias with the name ${AliasName} already exists`);
  room.store.putAlias(AliasName, find(room, TargetKeyId).keyId);
  return {};
}

const metadataOf = ({ accountId }: KmsRoom, key: StoredKey) => ({
  AWSAccountId: accountId,
  KeyId: key.keyId,
  Arn: key.arn,
  CreationDate: key.createdMs / 1000,
  Enabled: true,
  Description: key.description,
  KeyUsage: usage,
  KeyState: 'Enabled',
  Origin: 'AWS_KMS',
  KeyManager: 'CUSTOMER',
  CustomerMasterKeySpec: keySpec,
  KeySpec: keySpec,
  SigningAlgorithms: [algorithm],
  MultiRegion: false,
});

function describeKey(room: KmsRoom, call: JsonCall): object {
  return { KeyMetadata: metadataOf(room, find(room, parse(onKey, call).KeyId)) };
}

function getPublicKey(room: KmsRoom, call: JsonCall): object {
  const key = find(room, parse(onKey, call).KeyId);
  const der = createPublicKey(key.privateKey).export({ type: 'spki', format: 'der' });
  return {
    KeyId: key.arn,
    PublicKey: der.toString('base64'),
    CustomerMasterKeySpec: keySpec,
    KeySpec: keySpec,
    KeyUsage: usage,
    SigningAlgorithms: [algorithm],
  };
}

function signMessage(room: KmsRoom, call: JsonCall): object {
  const { KeyId, Message, MessageType, SigningAlgorithm } = parse(signSchema, call);
  const key = find(room, KeyId);
  if (SigningAlgorithm !== algorithm)
    throw new JsonServiceError(
      'InvalidKeyUsageException',
      `${key.arn} signs with ${algorithm}, got ${SigningAlgorithm}.`,
    );
  const bytes = Buffer.from(Message, 'base64');
  const digest = MessageType === 'DIGEST' ? bytes : createHash('sha256').update(bytes).digest();
  if (MessageType === 'RAW' && (bytes.length < 1 || bytes.length > maxMessageBytes))
    throw new JsonServiceError(
      'ValidationException',
      `A RAW message has 1 to ${maxMessageBytes} bytes, got ${bytes.length}.`,
    );
  if (digest.length !== 32)
    throw new JsonServiceError('ValidationException', `Digest is invalid length for algorithm ${algorithm}.`);
  const signature = MessageType === 'RAW' ? sign('sha256', bytes, key.privateKey) : derOfDigest(digest, key.privateKey);
  return { KeyId: key.arn, Signature: signature.toString('base64'), SigningAlgorithm };
}
