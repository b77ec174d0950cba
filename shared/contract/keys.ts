/**
 * Keys of the repository's objects: built and parsed here and nowhere else. What begins with a public prefix is served
 * by the CDN; `staging/`, `refused/` and `catalog/` never are.
 */
const hex64 = /^[0-9a-f]{64}$/;
const hex40 = /^[0-9a-f]{40}$/;

export type RepositoryKey =
  | { readonly kind: 'index-pointer' }
  | { readonly kind: 'index'; readonly sha256: string }
  | { readonly kind: 'index-staging'; readonly copyId: string }
  | { readonly kind: 'index-refused'; readonly sha256: string }
  | { readonly kind: 'catalog-snapshot'; readonly indexSha256: string }
  | { readonly kind: 'payload'; readonly sha256: string }
  | { readonly kind: 'payload-staging'; readonly sha1: string };

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
    case 'payload':
      must(hex64.test(key.sha256), `SHA-256 ${JSON.stringify(key.sha256)}`);
      return `payloads/sha256/${key.sha256}`;
    case 'payload-staging':
      must(hex40.test(key.sha1), `SHA-1 ${JSON.stringify(key.sha1)}`);
      return `staging/payloads/${key.sha1}`;
  }
}

const patterns: readonly [RegExp, (part: string) => RepositoryKey][] = [
  [/^index\/current\.json()$/, () => ({ kind: 'index-pointer' })],
  [/^index\/sha256\/([0-9a-f]{64})\.cab$/, (sha256) => ({ kind: 'index', sha256 })],
  [/^staging\/index\/([A-Za-z0-9-]{1,64})\.cab$/, (copyId) => ({ kind: 'index-staging', copyId })],
  [/^refused\/([0-9a-f]{64})\.cab$/, (sha256) => ({ kind: 'index-refused', sha256 })],
  [/^catalog\/v2\/([0-9a-f]{64})\.kbc\.gz$/, (indexSha256) => ({ kind: 'catalog-snapshot', indexSha256 })],
  [/^payloads\/sha256\/([0-9a-f]{64})$/, (sha256) => ({ kind: 'payload', sha256 })],
  [/^staging\/payloads\/([0-9a-f]{40})$/, (sha1) => ({ kind: 'payload-staging', sha1 })],
];

/** The inverse of {@link buildKey}; `undefined` for a key that is not ours. */
export function parseKey(key: string): RepositoryKey | undefined {
  for (const [pattern, make] of patterns) {
    const match = pattern.exec(key);
    if (match) return make(match[1] ?? '');
  }
  return undefined;
}
