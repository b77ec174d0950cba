import type { TokenView } from '#shared/contract/tokens.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import type { TokenStore } from '#shared/stores/tokens/port.ts';
import type { TokenRow } from '#shared/stores/tokens/row.ts';
import { pageOf } from './pages.ts';

/** The store of enrolment tokens in memory; it passes the same contract suite as the AWS adapter. */
export class MemoryTokenStore implements TokenStore {
  /** By id, digests of the secrets included: {@link MemoryHostStore} spends uses here. */
  readonly rows = new Map<string, TokenRow>();

  async create(token: TokenView, secretSha256: string) {
    if (this.rows.has(token.tokenId)) throw new StoreError('conflict', `there is a token ${token.tokenId} already`);
    this.rows.set(token.tokenId, structuredClone({ ...token, secretSha256 }));
  }

  async get(tokenId: string) {
    const row = this.rows.get(tokenId);
    return row === undefined ? undefined : viewOf(row);
  }

  async list(query: { readonly cursor?: string | undefined; readonly limit: number }) {
    const views = [...this.rows.values()].map(viewOf).sort((a, b) => (a.tokenId < b.tokenId ? -1 : 1));
    return pageOf(views, query, ({ tokenId }) => tokenId, 'tokens');
  }

  async revoke(tokenId: string, at: string) {
    const row = this.rows.get(tokenId);
    if (row === undefined) return false;
    this.rows.set(tokenId, { ...row, revokedAt: row.revokedAt ?? at });
    return true;
  }
}

function viewOf({ secretSha256: _, ...view }: TokenRow): TokenView {
  return structuredClone(view);
}
