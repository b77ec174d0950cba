import { createHash } from 'node:crypto';
import {
  type Key,
  Metadata,
  MetadataKind,
  type Root,
  Signature,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models';
import { canonicalJson } from '../contract/canonical-json.ts';
import type { TrustRole } from '../contract/trust.ts';
import type { Signer } from '../signing/port.ts';
import { RepositoryError } from './repository-error.ts';
import { maxBytesOf } from './roles.ts';

/** What is signed for each kind of role; delegated roles are targets. */
interface SignedOf {
  readonly root: Root;
  readonly snapshot: Snapshot;
  readonly timestamp: Timestamp;
  readonly targets: Targets;
}
type KindOf<R extends TrustRole> = R extends 'root' | 'snapshot' | 'timestamp' ? R : 'targets';

/** Metadata of one role: what is signed, with its signatures. */
export type RoleMetadata<R extends TrustRole = TrustRole> = Metadata<SignedOf[KindOf<R>]>;

const kindOf = (role: TrustRole): MetadataKind => {
  switch (role) {
    case 'root':
      return MetadataKind.Root;
    case 'snapshot':
      return MetadataKind.Snapshot;
    case 'timestamp':
      return MetadataKind.Timestamp;
    default:
      return MetadataKind.Targets;
  }
};

/** Version of TUF's specification that the metadata follows (https://theupdateframework.github.io/specification/v1.0.34/). */
const specVersion = '1.0.34';

/** A public key as TUF writes it. */
export interface PublicKey {
  readonly keyId: string;
  readonly json: {
    readonly keytype: 'ecdsa';
    readonly scheme: 'ecdsa-sha2-nistp256';
    readonly keyval: { readonly public: string };
  };
}

/** @param pem SubjectPublicKeyInfo of a key on P-256 */
export function publicKeyOf(pem: string): PublicKey {
  const json = {
    keytype: 'ecdsa',
    scheme: 'ecdsa-sha2-nistp256',
    keyval: { public: `${pem.trim()}\n` },
  } as const;
  return { keyId: sha256Of(canonicalJson(json)), json };
}

/** SHA-256 as lower-case hex. */
export const sha256Of = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

type Json = Parameters<typeof Key.fromJSON>[1];

/** Metadata without signatures. @param signed all members but `_type` and `spec_version` */
export function unsigned<R extends TrustRole>(role: R, signed: Readonly<Record<string, unknown>>): RoleMetadata<R> {
  const kind = kindOf(role);
  const json = { signatures: [], signed: { _type: kind, spec_version: specVersion, ...signed } };
  return fromJson(role, json);
}

function fromJson<R extends TrustRole>(role: R, json: unknown): RoleMetadata<R> {
  // One overload for each kind; the compiler cannot choose one by a type parameter.
  const read = Metadata.fromJSON as (kind: MetadataKind, data: Json) => unknown;
  return read.call(Metadata, kindOf(role), json as Json) as RoleMetadata<R>;
}

/** The text as it is stored, served and hashed. */
export const textOf = (metadata: RoleMetadata): string => canonicalJson(metadata.toJSON());

/** @throws RepositoryError `malformed`, `too-long` */
export function parseMetadata<R extends TrustRole>(role: R, text: string): RoleMetadata<R> {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytesOf[role])
    throw new RepositoryError('too-long', role, `${role} has ${bytes} bytes, allowed are ${maxBytesOf[role]}`);
  try {
    return fromJson(role, JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RepositoryError('malformed', role, `${role} is not metadata of TUF: ${why}`, { cause });
  }
}

/** Adds this signer's signature, or replaces it. @throws SigningError */
export async function sign(metadata: RoleMetadata, signer: Signer): Promise<void> {
  const { keyId } = publicKeyOf(await signer.publicKey());
  let bytes: Uint8Array = new Uint8Array();
  // The library signs at once, and keys in KMS do not: it is only asked for the bytes.
  metadata.sign((toSign) => {
    bytes = toSign;
    return new Signature({ keyID: keyId, sig: '' });
  });
  const signature = await signer.sign(bytes);
  metadata.signatures[keyId] = new Signature({ keyID: keyId, sig: Buffer.from(signature).toString('hex') });
}

/** How many of the keys that `delegator` names signed it well, which ones, and how many must have. */
export function signaturesOf(
  delegator: RoleMetadata<'root' | 'targets'>,
  role: TrustRole,
  metadata: RoleMetadata,
): { readonly keys: readonly string[]; readonly signedBy: readonly string[]; readonly threshold: number } {
  const { keys, roles } = delegationsOf(delegator);
  const asked = roles?.[role];
  if (asked === undefined)
    throw new RepositoryError('malformed', role, `${delegator.signed.type} names no keys for ${role}`);
  const signedBy = asked.keyIDs.filter((keyId) => {
    try {
      keys[keyId]?.verifySignature(metadata);
      return keys[keyId] !== undefined;
    } catch {
      return false;
    }
  });
  return { keys: asked.keyIDs, signedBy, threshold: asked.threshold };
}

function delegationsOf({ signed }: RoleMetadata<'root' | 'targets'>) {
  if ('roles' in signed) return { keys: signed.keys, roles: signed.roles as Partial<typeof signed.roles> };
  return { keys: signed.delegations?.keys ?? {}, roles: signed.delegations?.roles };
}

/** @throws RepositoryError `unsigned` when too few of the keys that `delegator` names signed it */
export function requireSigned(
  delegator: RoleMetadata<'root' | 'targets'>,
  role: TrustRole,
  metadata: RoleMetadata,
): void {
  const { signedBy, threshold } = signaturesOf(delegator, role, metadata);
  if (signedBy.length < threshold)
    throw new RepositoryError(
      'unsigned',
      role,
      `${role} of version ${metadata.signed.version} has ${signedBy.length} of ${threshold} signatures that count`,
    );
}

/** ISO 8601 without milliseconds, as TUF writes times. */
export const expiryAfter = (now: Date, milliseconds: number): string =>
  new Date(now.getTime() + milliseconds).toISOString().replace(/\.[0-9]{3}Z$/, 'Z');
