/** The signed repository, as the operators' API shows it and takes changes of it. */
import * as z from 'zod/mini';
import { sha256, shortText, timestamp } from './primitives.ts';

/** Roles of the repository; docs/trust.md says who signs which. */
export const trustRoles = ['root', 'targets', 'rules', 'custom', 'agent', 'feed', 'snapshot', 'timestamp'] as const;
export const trustRole = z.enum(trustRoles);
export type TrustRole = z.infer<typeof trustRole>;

/** Roles that administrators sign, never a function. */
export const administratorRoles = ['root', 'targets', 'rules', 'custom', 'agent'] as const;
/** Roles that the online key signs. */
export const onlineRoles = ['feed', 'snapshot', 'timestamp'] as const;

/** Id of a key in TUF: SHA-256 of its canonical JSON. */
export const keyId = sha256;

/** Signed metadata as it is stored and served, byte for byte: JSON text with `signatures` and `signed`. */
export const signedDocument = z.object({
  role: z.enum(administratorRoles),
  text: z.string().check(z.minLength(2), z.maxLength(512_000)),
});
export type SignedDocument = z.infer<typeof signedDocument>;

/** How things stand with one role. */
const roleView = z.object({
  role: trustRole,
  version: z.int(),
  expiresAt: timestamp,
  threshold: z.int(),
  /** Ids of the keys that may sign it, and of those that did. */
  keys: z.array(keyId),
  signedBy: z.array(keyId),
});

/** The repository, and the key that its functions sign with. */
export const trustView = z.object({
  version: z.literal(1),
  /** The online key; a root that names another one does not let this broker publish. */
  onlineKey: z.object({ keyId, publicKey: z.string() }),
  /** Absent before `kbroker trust init`. */
  repository: z.optional(
    z.object({
      /** Of the root in force. */
      rootSha256: sha256,
      /** Of the first root. */
      firstRootSha256: sha256,
      roles: z.array(roleView),
      /** When timestamp and snapshot were signed last. */
      signedAt: timestamp,
    }),
  ),
  /** Changes that lack signatures. */
  drafts: z.int(),
});
export type TrustView = z.infer<typeof trustView>;

/** One file of the repository, for administrators: `metadata/…` or `targets/…`. */
export const trustFile = z.object({ version: z.literal(1), name: z.string(), text: z.string() });

/**
 * New metadata of administrators' roles, all of it or nothing. `rules` among them belongs to the book in force, signed again.
 * Without enough signatures it becomes a draft, which others may sign.
 */
export const trustChange = z.object({
  version: z.literal(1),
  documents: z.array(signedDocument).check(z.minLength(1), z.maxLength(5)),
  /** The draft that this adds signatures to. */
  draftId: z.optional(z.string().check(z.regex(/^[a-z0-9-]{1,64}$/))),
  comment: z.optional(shortText),
});
export type TrustChange = z.infer<typeof trustChange>;

/** A change that lacks signatures. */
export const trustDraft = z.object({
  version: z.literal(1),
  draftId: z.string(),
  createdAt: timestamp,
  createdBy: z.string(),
  comment: z.optional(shortText),
  documents: z.array(signedDocument),
  /** What it lacks, in the order of the documents. */
  missing: z.array(z.object({ role: trustRole, signatures: z.int(), threshold: z.int() })),
});
export type TrustDraft = z.infer<typeof trustDraft>;

export const trustChangeAnswer = z.discriminatedUnion('state', [
  /** Handed to the publisher; `GET /v1/trust` shows when it is out. */
  z.object({ version: z.literal(1), state: z.literal('accepted') }),
  z.object({ version: z.literal(1), state: z.literal('draft'), draft: trustDraft }),
]);
export type TrustChangeAnswer = z.infer<typeof trustChangeAnswer>;

export const trustDrafts = z.object({
  version: z.literal(1),
  drafts: z.array(trustDraft),
  unreadable: z.array(z.string()),
});
