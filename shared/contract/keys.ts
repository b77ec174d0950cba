/**
 * Keys of the repository's objects: built and parsed here and nowhere else. What begins with a public prefix is served
 * by the CDN; `staging/`, `refused/`, `catalog/` and `fleet/` never are. `metadata/` and `targets/` are laid out as TUF's
 * consistent snapshots are (https://theupdateframework.github.io/specification/latest/#consistent-snapshots).
 */
const hex64 = /^[0-9a-f]{64}$/;
const hex40 = /^[0-9a-f]{40}$/;
/** Roles and parts of target paths: nothing that climbs out of a folder. */
const namePart = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const isoDay = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;

export type RepositoryKey =
  | { readonly kind: 'index-pointer' }
  | { readonly kind: 'index'; readonly sha256: string }
  | { readonly kind: 'index-staging'; readonly copyId: string }
  | { readonly kind: 'index-refused'; readonly sha256: string }
  | { readonly kind: 'catalog-snapshot'; readonly indexSha256: string }
  | { readonly kind: 'fleet-manifest' }
  | { readonly kind: 'fleet-partition'; readonly layout: string; readonly index: number }
  | { readonly kind: 'payload'; readonly sha256: string }
  | { readonly kind: 'payload-staging'; readonly sha1: string }
  /** A file of an administrator's own package. */
  | { readonly kind: 'package-file'; readonly sha256: string }
  | { readonly kind: 'audit-anchor'; readonly date: string }
  /** Signed metadata of one version: `root`, `targets`, `snapshot`, or a delegated role. */
  | { readonly kind: 'metadata'; readonly role: string; readonly version: number }
  | { readonly kind: 'timestamp' }
  /** A signed target as TUF's consistent snapshots name it: the digest stands before the last part of its path. */
  | { readonly kind: 'target'; readonly path: string; readonly sha256: string }
  /** A root by its digest, for hosts that know nothing else of the repository. */
  | { readonly kind: 'pinned-root'; readonly sha256: string };

/** Where anchors of the audit log lie, one per day: in a bucket of their own. */
export const auditAnchorPrefix = 'anchors/';

/** Prefixes that the CDN may serve; everything else in the buckets is private. */
export const publicPrefixes = ['index/', 'payloads/', 'packages/', 'metadata/', 'targets/'] as const;

const must = (ok: boolean, what: string): void => {
  if (!ok) throw new RangeError(`not an object key part: ${what}`);
};

/** @throws RangeError when a part is not of its form: a digest is never trusted to be one. */
export function buildKey(key: RepositoryKey): string {
  switch (key.kind) {
    case 'index-pointer':
      return 'index/current.json';
    case 'index':
      must(hex64.test(key.sha256), `SHA-256 ${JSON.stringify(key.sha256)}`);
      return `index/sha256/${key.sha256}.cab`;
    case 'index-staging':
      must(/^[A-Za-z0-9-]{1,64}$/.test(key.copyId), `copy id ${JSON.stringify(key.copyId)}`);
      return `staging/index/${key.copyId}.cab`;
    case 'index-refused':
      must(hex64.test(key.sha256), `SHA-256 ${JSON.stringify(key.sha256)}`);
      return `refused/${key.sha256}.cab`;
    case 'catalog-snapshot':
      must(hex64.test(key.indexSha256), `SHA-256 ${JSON.stringify(key.indexSha256)}`);
      return `catalog/v2/${key.indexSha256}.kbc.gz`;
    case 'fleet-manifest':
      return 'fleet/v2/current.json';
    case 'fleet-partition': {
      const { layout, index } = key;
      must(/^[a-z0-9-]{1,64}$/.test(layout), `layout ${JSON.stringify(layout)}`);
      must(Number.isSafeInteger(index) && index >= 0 && index <= 999, `partition ${index}`);
      return `fleet/v2/${layout}/${index}.kbf.gz`;
    }
    case 'payload':
      must(hex64.test(key.sha256), `SHA-256 ${JSON.stringify(key.sha256)}`);
      return `payloads/sha256/${key.sha256}`;
    case 'payload-staging':
      must(hex40.test(key.sha1), `SHA-1 ${JSON.stringify(key.sha1)}`);
      return `staging/payloads/${key.sha1}`;
    case 'package-file':
      must(hex64.test(key.sha256), `SHA-256 ${JSON.stringify(key.sha256)}`);
      return `packages/${key.sha256}`;
    case 'audit-anchor':
      must(isoDay.test(key.date), `day ${JSON.stringify(key.date)}`);
      return `${auditAnchorPrefix}${key.date}.json`;
    case 'metadata':
      must(/^[a-z][a-z-]{0,31}$/.test(key.role) && key.role !== 'timestamp', `role ${JSON.stringify(key.role)}`);
      must(Number.isSafeInteger(key.version) && key.version > 0, `version ${key.version}`);
      return `metadata/${key.version}.${key.role}.json`;
    case 'timestamp':
      return 'metadata/timestamp.json';
    case 'target': {
      const parts = key.path.split('/');
      const name = parts.pop() ?? '';
      must(
        parts.length > 0 && [...parts, name].every((part) => namePart.test(part)),
        `path ${JSON.stringify(key.path)}`,
      );
      must(hex64.test(key.sha256), `SHA-256 ${JSON.stringify(key.sha256)}`);
      return `targets/${parts.join('/')}/${key.sha256}.${name}`;
    }
    case 'pinned-root':
      must(hex64.test(key.sha256), `SHA-256 ${JSON.stringify(key.sha256)}`);
      return `metadata/roots/${key.sha256}.json`;
  }
}

const patterns: readonly [RegExp, (part: string) => RepositoryKey][] = [
  [/^index\/current\.json()$/, () => ({ kind: 'index-pointer' })],
  [/^index\/sha256\/([0-9a-f]{64})\.cab$/, (sha256) => ({ kind: 'index', sha256 })],
  [/^staging\/index\/([A-Za-z0-9-]{1,64})\.cab$/, (copyId) => ({ kind: 'index-staging', copyId })],
  [/^refused\/([0-9a-f]{64})\.cab$/, (sha256) => ({ kind: 'index-refused', sha256 })],
  [/^catalog\/v2\/([0-9a-f]{64})\.kbc\.gz$/, (indexSha256) => ({ kind: 'catalog-snapshot', indexSha256 })],
  [/^fleet\/v2\/current\.json()$/, () => ({ kind: 'fleet-manifest' })],
  [
    /^fleet\/v2\/([a-z0-9-]{1,64}\/(?:0|[1-9][0-9]{0,2}))\.kbf\.gz$/,
    (place) => {
      const [layout = '', index = ''] = place.split('/');
      return { kind: 'fleet-partition', layout, index: Number(index) };
    },
  ],
  [/^payloads\/sha256\/([0-9a-f]{64})$/, (sha256) => ({ kind: 'payload', sha256 })],
  [/^staging\/payloads\/([0-9a-f]{40})$/, (sha1) => ({ kind: 'payload-staging', sha1 })],
  [/^packages\/([0-9a-f]{64})$/, (sha256) => ({ kind: 'package-file', sha256 })],
  [/^anchors\/([0-9]{4}-[0-9]{2}-[0-9]{2})\.json$/, (date) => ({ kind: 'audit-anchor', date })],
  [
    /^metadata\/([1-9][0-9]{0,15}\.(?!timestamp\.)[a-z][a-z-]{0,31})\.json$/,
    (name) => {
      const [version = '', role = ''] = name.split('.');
      return { kind: 'metadata', role, version: Number(version) };
    },
  ],
  [/^metadata\/timestamp\.json()$/, () => ({ kind: 'timestamp' })],
  [
    /^targets\/((?:[A-Za-z0-9][A-Za-z0-9._-]{0,99}\/)+[0-9a-f]{64}\.[A-Za-z0-9][A-Za-z0-9._-]{0,99})$/,
    (place) => {
      const parts = place.split('/');
      const name = parts.pop() ?? '';
      return { kind: 'target', path: [...parts, name.slice(65)].join('/'), sha256: name.slice(0, 64) };
    },
  ],
  [/^metadata\/roots\/([0-9a-f]{64})\.json$/, (sha256) => ({ kind: 'pinned-root', sha256 })],
];

/** The inverse of {@link buildKey}; `undefined` for a key that is not ours. */
export function parseKey(key: string): RepositoryKey | undefined {
  for (const [pattern, make] of patterns) {
    const match = pattern.exec(key);
    if (match) return make(match[1] ?? '');
  }
  return undefined;
}
