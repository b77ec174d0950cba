import { createHash } from 'node:crypto';
import type { HostPublicKey } from '#shared/contract/agent/identity.ts';
import type { HostFacts, HostReport } from '#shared/contract/agent/report.ts';
import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import type { TokenView } from '#shared/contract/tokens.ts';
import type { Catalog, CatalogUpdate } from '#shared/core/catalog/model.ts';

/** Values that tests are made of, valid by every schema. */

export const sha1 = (text: string | Uint8Array): string => createHash('sha1').update(text).digest('hex');
export const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
export const guid = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

/** ISO time so many seconds into a fixed day. */
export const at = (seconds: number): string => new Date(Date.UTC(2026, 6, 14, 12, 0, seconds)).toISOString();

/** A unit that can be installed, with one file. */
export function unit(n: number, more: Partial<CatalogUpdate> = {}): CatalogUpdate {
  return {
    updateId: guid(n),
    revision: 200,
    revisionId: n,
    type: 'software',
    action: 'install',
    isBundle: false,
    isLeaf: true,
    createdAt: at(0),
    prerequisites: [],
    bundledBy: [],
    supersededBy: [],
    categories: { products: [], families: [], companies: [] },
    payload: [sha1(`file ${n}`)],
    title: `Update ${n} (KB${5_000_000 + n})`,
    kbs: [String(5_000_000 + n)],
    bulletins: [],
    cves: [],
    ...more,
  };
}

export function catalogOf(updates: readonly CatalogUpdate[]): Catalog {
  const files = updates.flatMap(({ payload }) => payload).map((digest) => [digest, fileOf(digest)] as const);
  return {
    createdAt: at(0),
    updates: new Map(updates.map((update) => [update.revisionId, update])),
    files: new Map(files),
    gaps: [],
  };
}

/** The same catalogue with maps in place of lookups, to compare by value. */
export function plainCatalog(catalog: Catalog | undefined): Catalog | undefined {
  if (catalog === undefined) return undefined;
  const { packageId, createdAt, updates, files, gaps } = catalog;
  return {
    ...(packageId === undefined ? {} : { packageId }),
    ...(createdAt === undefined ? {} : { createdAt }),
    updates: new Map(updates),
    files: new Map(files),
    gaps,
  };
}

export const fileOf = (digest: string) => ({
  sha1: digest,
  sha256: sha256(digest),
  name: `${digest.slice(0, 8)}.cab`,
  size: 6,
  url: `http://download.windowsupdate.com/d/msdownload/${digest}.cab`,
});

export function pointerOf(digest: string, more: Partial<IndexPointer> = {}): IndexPointer {
  return {
    version: 1,
    sha256: digest,
    bytes: 3,
    publishedAt: at(0),
    updates: 1,
    files: 1,
    origin: { url: 'http://download.windowsupdate.com/wsusscn2.cab', etag: '"one"' },
    ...more,
  };
}

export const hostFactsOf = (machineId: string): HostFacts => ({
  machineId,
  hostname: `${machineId}.example`,
  os: 'Windows 11 Enterprise',
  osVersion: '10.0.26100.1742',
  architecture: 'amd64',
  agentVersion: '0.1.0',
});

/** Something shaped like the key of a host, the same for the same name. For stores: nothing can be signed with it. */
export const hostKeyOf = (name: string): { readonly publicKey: HostPublicKey; readonly thumbprint: string } => {
  const digest = (what: string): string => createHash('sha256').update(`${what} of ${name}`).digest('base64url');
  return { publicKey: { kty: 'EC', crv: 'P-256', x: digest('x'), y: digest('y') }, thumbprint: digest('thumbprint') };
};

/** An enrolment token for 100 hosts of the group "pilots", good for the fixed day of {@link at}. */
export const tokenOf = (n: number, more: Partial<TokenView> = {}): TokenView => ({
  version: 1,
  tokenId: `token${String(n).padStart(11, '0')}`,
  group: 'pilots',
  uses: 100,
  used: 0,
  createdAt: at(0),
  createdBy: 'somebody',
  expiresAt: at(86_400),
  replace: false,
  ...more,
});

/** A report as the host sends it: in its order, with nothing found. */
export function reportOf(machineId: string, more: Partial<HostReport> = {}): HostReport {
  return {
    version: 2,
    host: hostFactsOf(machineId),
    indexSha256: sha256('index'),
    rulesRevision: 1,
    updates: [],
    needs: [],
    ...more,
  };
}

/** Bytes as a stream, in pieces of the given length; then the failure, when there is one. */
export async function* streamOf(
  bytes: Uint8Array | string,
  piece = 65_536,
  failure?: Error,
): AsyncGenerator<Uint8Array> {
  const all = Buffer.from(bytes);
  for (let start = 0; start < all.byteLength; start += piece) yield all.subarray(start, start + piece);
  if (failure !== undefined) throw failure;
}

export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}
