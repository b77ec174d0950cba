/** Packages of administrators' own, as they are signed in the role `custom` and read by hosts. */
import * as z from 'zod/mini';
import { architectures, packageKinds, unknownFiles } from '../core/packages/model.ts';
import { groupName } from './agent/identity.ts';
import { byteCount, kbNumber, machineId, sha256, shortText, timestamp } from './primitives.ts';

/** Name of a package of an administrator's own. */
export const customName = z.string().check(z.regex(/^[a-z0-9][a-z0-9._-]{0,47}$/));
/** One to four numbers. No hyphen, so that the last one in a path stands before the version. */
export const customVersion = z.string().check(z.regex(/^[0-9]{1,9}(\.[0-9]{1,9}){0,3}$/));
/** `name/version`. */
export const customRef = z.string().check(z.regex(/^[a-z0-9][a-z0-9._-]{0,47}\/[0-9]{1,9}(\.[0-9]{1,9}){0,3}$/));

const text = shortText.check(z.minLength(1));
/** A version of Windows or of a file: one to four numbers of up to ten digits. */
const version = z.string().check(z.regex(/^[0-9]{1,10}(\.[0-9]{1,10}){0,3}$/));
/** Windows has signed and unsigned views of the same 32 bits. */
const exitCode = z.int().check(z.minimum(-2_147_483_648), z.maximum(4_294_967_295));
const codes = z.array(exitCode).check(z.maxLength(64));
const named = z.array(text).check(z.minLength(1), z.maxLength(64));

const command = { program: text, arguments: z.array(z.string().check(z.maxLength(2048))).check(z.maxLength(64)) };

/** See shared/core/packages/model.ts for what each means. */
const detection = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hotfix'), kb: kbNumber }),
  z.strictObject({
    kind: z.literal('registry'),
    key: text,
    name: z.string().check(z.maxLength(255)),
    equals: z.exactOptional(shortText),
    atLeast: z.exactOptional(version),
  }),
  z.strictObject({ kind: z.literal('file'), path: text, atLeast: z.exactOptional(version) }),
  z.strictObject({ kind: z.literal('windows'), atLeast: version }),
  z.strictObject({ kind: z.literal('command'), ...command, exitCodes: codes.check(z.minLength(1)) }),
]);

const prerequisites = z.strictObject({
  architectures: z.exactOptional(z.array(z.enum(architectures)).check(z.minLength(1))),
  windowsAtLeast: z.exactOptional(version),
  windowsBelow: z.exactOptional(version),
  editions: z.exactOptional(named),
  languages: z.exactOptional(named),
  freeBytes: z.exactOptional(byteCount),
  packages: z.exactOptional(z.array(customRef).check(z.minLength(1), z.maxLength(64))),
});

/** What S3 takes in one upload (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html). Bytes. */
export const maxPackageFileBytes = 5 * 1024 ** 3;
const maxPackageFiles = 64;

const packageFile = z.strictObject({
  /** One part of a path: no separator, no way up, and nothing that Windows reads as a device or a stream. */
  name: z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9 ._()+-]{0,126}[A-Za-z0-9)]$|^[A-Za-z0-9]$/)),
  sha256,
  size: byteCount.check(z.maximum(maxPackageFileBytes)),
  unpack: z.exactOptional(z.literal(true)),
});

/**
 * `custom/packages/<name>-<version>.json`: one version of a package. It never changes; another content is another version.
 * Members that this broker does not know are refused: a host must not pass over a condition that it cannot read.
 */
export const packageManifest = z
  .strictObject({
    version: z.literal(1),
    name: customName,
    packageVersion: customVersion,
    kind: z.enum(packageKinds),
    title: text,
    files: z.array(packageFile).check(z.maxLength(maxPackageFiles)),
    command: z.strictObject(command),
    detection,
    prerequisites,
    exitCodes: z.strictObject({ success: codes, restart: codes, notNeeded: codes }),
    reboot: z.enum(['never', 'can', 'always']),
    /** Up to a day. */
    timeoutSeconds: z.int().check(z.minimum(1), z.maximum(86_400)),
    publishedAt: timestamp,
  })
  .check(
    z.refine(
      ({ files }) => new Set(files.map(({ name }) => name.toLowerCase())).size === files.length,
      'each file has a name of its own',
    ),
    z.refine(
      (manifest) => unknownFiles(manifest).length === 0,
      'the command names files that the package does not have',
    ),
    z.refine(
      ({ exitCodes: { success, restart, notNeeded } }) =>
        new Set([...success, ...restart, ...notNeeded]).size === success.length + restart.length + notNeeded.length,
      'each exit code means one thing',
    ),
  );
export type PackageManifestDocument = z.infer<typeof packageManifest>;

const refs = z.array(customRef).check(z.maxLength(100));

/** `custom/groups/<group>.json`: packages of all hosts of a group. */
export const groupPackages = z.object({ version: z.literal(1), group: groupName, packages: refs });

/** `custom/hosts/<bin>.json`: hosts of one bin that have packages of their own. */
export const hostsPackages = z.object({ version: z.literal(1), hosts: z.record(machineId, refs) });

/** Which packages are for whom. A host has those of its group and its own. */
const packageAssignments = z.strictObject({
  groups: z.record(groupName, refs),
  hosts: z.record(machineId, refs),
});
export type PackageAssignments = z.infer<typeof packageAssignments>;

/** `custom/book.json`: all assignments, for administrators; agents never read it. */
export const packageBook = z.object({ version: z.literal(1), assignments: packageAssignments });

/** `custom` of the target of a manifest: what lists and the cleaning need to know without reading each. */
export const packageFacts = z.object({
  kind: z.enum(packageKinds),
  title: text,
  files: z.array(z.object({ sha256, size: byteCount })).check(z.maxLength(maxPackageFiles)),
});
type PackageFactsDocument = z.infer<typeof packageFacts>;

/** What lists know of one version of a package. */
export interface ListedPackage extends PackageFactsDocument {
  readonly name: string;
  readonly packageVersion: string;
}

/** State of a package on a host, as it reports it. */
export const reportedPackage = z.object({
  name: customName,
  packageVersion: customVersion,
  state: z.enum(['OK', 'PENDING', 'MISSING', 'DISCARDED', 'ERROR', 'SUPERSEDED']),
  reason: text,
});

/** Paths of the role's targets. */
export const packagePaths = {
  book: 'custom/book.json',
  manifest: (name: string, packageVersion: string): string => `custom/packages/${name}-${packageVersion}.json`,
  group: (group: string): string => `custom/groups/${group}.json`,
  hosts: (bin: string): string => `custom/hosts/${bin}.json`,
} as const;

const manifestPath = /^custom\/packages\/([a-z0-9][a-z0-9._-]{0,47})-([0-9]{1,9}(?:\.[0-9]{1,9}){0,3})\.json$/;

/** The inverse of `packagePaths.manifest`; `undefined` for another path. */
export function packageOfPath(path: string): { readonly name: string; readonly packageVersion: string } | undefined {
  const [, name, packageVersion] = manifestPath.exec(path) ?? [];
  return name === undefined || packageVersion === undefined ? undefined : { name, packageVersion };
}

/** A manifest or the book, as it travels to the publisher with the metadata that names it. */
export const customDocument = z.object({
  path: z.string().check(z.regex(/^custom\/[a-z0-9][A-Za-z0-9._/-]{0,150}$/)),
  text: z.string().check(z.maxLength(262_144)),
});
export type CustomDocument = z.infer<typeof customDocument>;
/** The book, and so many manifests in one change. */
export const maxPackageDocuments = 33;

/** Files that somebody is about to upload. */
export const newUploads = z.object({
  version: z.literal(1),
  files: z
    .array(z.object({ sha256, size: byteCount.check(z.maximum(maxPackageFileBytes)) }))
    .check(z.minLength(1), z.maxLength(maxPackageFiles)),
});

/**
 * Where they go, in the order asked. S3 itself proves the SHA-256 that stands in the signed headers: other bytes are refused,
 * and an object that is there is not written over.
 */
export const uploadsAnswer = z.object({
  version: z.literal(1),
  uploads: z.array(
    z.discriminatedUnion('state', [
      z.object({ sha256, state: z.literal('held') }),
      z.object({
        sha256,
        state: z.literal('wanted'),
        /** To be sent by PUT, with these headers. */
        url: z.string(),
        headers: z.record(z.string(), z.string()),
        expiresAt: timestamp,
      }),
    ]),
  ),
});
export type UploadsAnswer = z.infer<typeof uploadsAnswer>;
