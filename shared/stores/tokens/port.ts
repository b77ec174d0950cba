import type { TokenView } from '../../contract/tokens.ts';
import type { Page, PageQuery } from '../page.ts';

/** Enrolment tokens. Spending a use of one is part of an enrolment (hosts/port.ts). */
export interface TokenStore {
  /** @param secretSha256 SHA-256 (hex) of the secret, which itself is kept nowhere */
  create(token: TokenView, secretSha256: string): Promise<void>;
  get(tokenId: string): Promise<TokenView | undefined>;
  list(query: PageQuery): Promise<Page<TokenView>>;
  /** Again, and the first time stays. @returns false when there is no such token */
  revoke(tokenId: string, at: string): Promise<boolean>;
}
