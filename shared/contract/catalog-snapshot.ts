import * as z from 'zod/mini';
import type { Catalog, CatalogGap, CatalogUpdate, PayloadFile } from '../core/catalog/model.ts';
import { byteCount, guid, kbNumber, severity, sha1, sha256 } from './primitives.ts';

/** A payload file as stored: in the snapshot of a catalogue, and as a row of file facts. */
export const payloadFile = z.object({
  sha1,
  sha256: z.exactOptional(sha256),
  name: z.exactOptional(z.string()),
  size: z.exactOptional(byteCount),
  url: z.exactOptional(z.string()),
});

/** Spelt as a map so that a gap code of the model that is missing here does not compile. */
const gapCodes = {
  'fragment-missing': 'fragment-missing',
  'location-missing': 'location-missing',
  'file-facts-missing': 'file-facts-missing',
  'file-facts-conflict': 'file-facts-conflict',
  'identity-mismatch': 'identity-mismatch',
  'dangling-superseder': 'dangling-superseder',
  'dangling-bundle': 'dangling-bundle',
  'no-file-locations': 'no-file-locations',
  'no-kb': 'no-kb',
} as const satisfies { readonly [Code in CatalogGap['code']]: Code };

const revisionId = z.int().check(z.nonnegative());

const catalogUpdate = z.object({
  updateId: guid,
  revision: z.int().check(z.nonnegative()),
  revisionId,
  type: z.enum(['software', 'category', 'detectoid', 'unknown']),
  action: z.enum(['install', 'bundle', 'evaluate']),
  isBundle: z.boolean(),
  isLeaf: z.boolean(),
  createdAt: z.string(),
  prerequisites: z.array(z.array(guid)),
  bundledBy: z.array(revisionId),
  supersededBy: z.array(revisionId),
  categories: z.object({
    classification: z.exactOptional(guid),
    products: z.array(guid),
    families: z.array(guid),
    companies: z.array(guid),
  }),
  payload: z.array(sha1),
  title: z.exactOptional(z.string()),
  kbs: z.array(kbNumber),
  severity: z.exactOptional(severity),
  bulletins: z.array(z.string()),
  cves: z.array(z.string()),
  reboot: z.exactOptional(z.enum(['never', 'always', 'can'])),
  alwaysInstalled: z.boolean(),
  cbsParents: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      architecture: z.string(),
      buildCompare: z.enum(['EQ', 'GE']),
      serviceCompare: z.enum(['EQ', 'GE']),
    }),
  ),
});

const catalogGap = z.object({
  code: z.enum(gapCodes),
  count: z.int(),
  examples: z.array(z.string()),
});

/**
 * `catalog/v1/<sha256 of the index>.json.gz`: a whole catalogue as this broker decoded it. Only the broker's own
 * functions read it; its version is part of the key.
 */
export const catalogSnapshot = z.object({
  version: z.literal(1),
  packageId: z.exactOptional(z.string()),
  createdAt: z.exactOptional(z.string()),
  updates: z.array(catalogUpdate),
  files: z.array(payloadFile),
  gaps: z.array(catalogGap),
});

/**
 * The JSON of a snapshot in pieces, because the text of a real catalogue has hundreds of megabytes. Updates are in the
 * order of their RevisionIds and files in that of their digests, and each value has its fields in the order of the
 * schema: one catalogue has one spelling.
 */
export function* encodeSnapshot(catalog: Catalog): Generator<string, void, undefined> {
  const head = { version: 1, packageId: catalog.packageId, createdAt: catalog.createdAt, gaps: catalog.gaps };
  yield `${JSON.stringify(head).slice(0, -1)},"updates":[`;
  const byRevision = [...catalog.updates.values()].sort((a, b) => a.revisionId - b.revisionId);
  yield* elements<CatalogUpdate>(byRevision, catalogUpdate);
  yield '],"files":[';
  const byDigest = [...catalog.files.values()].sort((a, b) => (a.sha1 < b.sha1 ? -1 : 1));
  yield* elements<PayloadFile>(byDigest, payloadFile);
  yield ']}';
}

/** Values are parsed on the way out too: what could not be read back is not written. @throws ZodError */
function* elements<T>(values: readonly T[], schema: z.ZodMiniType<T>): Generator<string, void, undefined> {
  let separator = '';
  for (const value of values) {
    yield separator + JSON.stringify(z.parse(schema, value));
    separator = ',';
  }
}

/** @throws ZodError when the value is not a snapshot of this version */
export function decodeSnapshot(value: unknown): Catalog {
  const { version: _, updates, files, ...rest } = z.parse(catalogSnapshot, value);
  return {
    ...rest,
    updates: new Map(updates.map((update) => [update.revisionId, update])),
    files: new Map(files.map((file) => [file.sha1, file])),
  };
}
