/** The signed repository, as the operators' API shows it and takes changes of it. */
import * as z from 'zod/mini';
import { customDocument, maxPackageDocuments } from './packages.ts';
import { sha256, shortText, timestamp } from './primitives.ts';

/** Roles of the repository; docs/trust.md says who signs which. */
export const trustRoles = ['root', 'targets', 'rules', 'custom', 'agent', 'feed', 'snapshot', 'timestamp'] as const;
const trustRole = z.enum(trustRoles);
export type TrustRole = z.infer<typeof trustRole>;

/** Roles that administrators sign, never a function. */
const administratorRoles = ['root', 'targets', 'rules', 'custom', 'agent'] as const;

/** Id of a key in TUF: SHA-256 of its canonical JSON. */
const keyId = sha256;

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
  /** The online key, PEM; a root that names another one does not let this broker publish. */
  onlineKey: z.object({ keyId, publicKey: z.string() }),
  /** Absent before `kbroker trust init`. */
  repository: z.optional(
    z.object({
      /** Of the root in force. */
      rootSha256: sha256,
      /** In the order of {@link trustRoles}. */
      roles: z.array(roleView),
    }),
  ),
});
export type TrustView = z.infer<typeof trustView>;

/** One file of the repository by its key, for administrators, who prove it by the root that they pinned. */
export const trustFile = z.object({
  version: z.literal(1),
  key: z.string(),
  /** Absent when the repository has no such file. */
  text: z.optional(z.string()),
});

/**
 * New metadata of administrators' roles, signed by as many as must, all of it or nothing. `rules` among them is for the book
 * in force: the revision that it has, or, when keyholders change, the next one.
 */
export const trustChange = z.object({
  version: z.literal(1),
  documents: z.array(signedDocument).check(z.minLength(1), z.maxLength(5)),
  /** With another `custom`: its book, and the manifests that are new. All else of it follows from them. */
  contents: z.exactOptional(z.array(customDocument).check(z.maxLength(maxPackageDocuments))),
  /** For people; stays in the audit log. */
  comment: z.optional(shortText),
});
export type TrustChange = z.infer<typeof trustChange>;

/** The change is handed to the publisher; `GET /v1/trust` shows when it is out. */
export const trustChangeAnswer = z.object({ version: z.literal(1), state: z.literal('accepted') });
