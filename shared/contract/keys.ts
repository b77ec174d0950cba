/**
 * Keys of the repository's objects: built and parsed here and nowhere else. What begins with a public prefix is served
 * by the CDN; `staging/`, `refused/`, `catalog/` and `fleet/` never are.
 */
const hex64 = /^[0-9a-f]{64}$/;
const hex40 = /^[0-9a-f]{40}$/;
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
  | { readonly kind: 'audit-anchor'; readonly date: string };

/** Where anchors of the audit log lie, one per day: in a bucket of their own. */
export const auditAnchorPrefix = 'anchors/';

/** Prefixes that the CDN may serve; everything else in the buckets is private. */
export const publicPrefixes = ['index/', 'payloads/'] as const;

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
      return 'fleet/v1/current.json';
    case 'fleet-partition': {
      const { layout, index } = key;
      must(/^[a-z0-9-]{1,64}$/.test(layout), `layout ${JSON.stringify(layout)}`);
      must(Number.isSafeInteger(index) && index >= 0 && index <= 999, `partition ${index}`);
      return `fleet/v1/${layout}/${index}.kbf.gz`;
    }
    case 'payload':
      must(hex64.test(key.sha256), `SHA-256 ${JSON.stringify(key.sha256)}`);
      return `payloads/sha256/${key.sha256}`;
    case 'payload-staging':
      must(hex40.test(key.sha1), `SHA-1 ${JSON.stringify(key.sha1)}`);
      return `staging/payloads/${key.sha1}`;
    case 'audit-anchor':
      must(isoDay.test(key.date), `day ${JSON.stringify(key.date)}`);
      return `${auditAnchorPrefix}${key.date}.json`;
  }
}

const patterns: readonly [RegExp, (part: string) => RepositoryKey][] = [
  [/^index\/current\.json()$/, () => ({ kind: 'index-pointer' })],
  [/^index\/sha256\/([0-9a-f]{64})\.cab$/, (sha256) => ({ kind: 'index', sha256 })],
  [/^staging\/index\/([A-Za-z0-9-]{1,64})\.cab$/, (copyId) => ({ kind: 'index-staging', copyId })],
  [/^refused\/([0-9a-f]{64})\.cab$/, (sha256) => ({ kind: 'index-refused', sha256 })],
  [/^catalog\/v2\/([0-9a-f]{64})\.kbc\.gz$/, (indexSha256) => ({ kind: 'catalog-snapshot', indexSha256 })],
  [/^fleet\/v1\/current\.json()$/, () => ({ kind: 'fleet-manifest' })],
  [
    /^fleet\/v1\/([a-z0-9-]{1,64}\/(?:0|[1-9][0-9]{0,2}))\.kbf\.gz$/,
    (place) => {
      const [layout = '', index = ''] = place.split('/');
      return { kind: 'fleet-partition', layout, index: Number(index) };
    },
  ],
  [/^payloads\/sha256\/([0-9a-f]{64})$/, (sha256) => ({ kind: 'payload', sha256 })],
  [/^staging\/payloads\/([0-9a-f]{40})$/, (sha1) => ({ kind: 'payload-staging', sha1 })],
  [/^anchors\/([0-9]{4}-[0-9]{2}-[0-9]{2})\.json$/, (date) => ({ kind: 'audit-anchor', date })],
];

/** The inverse of {@link buildKey}; `undefined` for a key that is not ours. */
export function parseKey(key: string): RepositoryKey | undefined {
  for (const [pattern, make] of patterns) {
    const match = pattern.exec(key);
    if (match) return make(match[1] ?? '');
  }
  return undefined;
}
