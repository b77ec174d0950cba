import { createHash } from 'node:crypto';
import { joinToken } from '#shared/contract/agent/enrolment.ts';
import { type CreatedToken, type NewToken, type TokenView, tokenId } from '#shared/contract/tokens.ts';
import { type AuditPorts, audited } from './audited.ts';
import { listing, missing, nextOf, pageQuery, parameter } from './parameters.ts';
import type { Caller, OperatorPorts, OperatorsApi } from './ports.ts';

type TokenPorts = AuditPorts & Pick<OperatorPorts, 'tokens' | 'randomBytes'>;

/** Enrolment tokens. A secret is told once, to whoever makes it, and is in no table and in no entry of the log. */
export function tokensApi(
  ports: TokenPorts,
): Pick<OperatorsApi, 'listTokens' | 'createToken' | 'getToken' | 'revokeToken'> {
  const { tokens } = ports;
  const find = async (id: string): Promise<TokenView> => (await tokens.get(id)) ?? missing(`there is no token ${id}`);
  return {
    async listTokens({ query }) {
      const asked = pageQuery(query);
      const page = await listing(() => tokens.list(asked));
      return { version: 1, tokens: [...page.items], unreadable: [...page.unreadable], ...nextOf(page) };
    },

    getToken: async ({ path }) => find(parameter(tokenId, 'tokenId', path.tokenId)),
    createToken: ({ request, ...call }) => createToken(ports, call, request),

    async revokeToken({ path, request: _, ...call }) {
      const before = await find(parameter(tokenId, 'tokenId', path.tokenId));
      const revokedAt = ports.now().toISOString();
      const after = { ...before, revokedAt: before.revokedAt ?? revokedAt };
      const change = { action: 'token.revoke', target: before.tokenId, before, after };
      await audited(ports, call, change, async () => {
        if (!(await tokens.revoke(before.tokenId, revokedAt))) missing(`there is no token ${before.tokenId}`);
      });
      return find(before.tokenId);
    },
  };
}

async function createToken(ports: TokenPorts, call: Caller, wish: NewToken): Promise<CreatedToken> {
  const id = idOf(ports.randomBytes(16));
  // The contract's alphabet has no underscore, because that parts the token: 32 bytes lose half a bit or so by it.
  const secret = Buffer.from(ports.randomBytes(32)).toString('base64url').replaceAll('_', '-');
  const now = ports.now();
  const { group, uses, rootSha256, note } = wish;
  const view: TokenView = {
    version: 1,
    tokenId: id,
    group,
    uses,
    used: 0,
    createdAt: now.toISOString(),
    createdBy: call.caller.name,
    expiresAt: new Date(now.getTime() + wish.expiresInSeconds * 1000).toISOString(),
    replace: wish.replace ?? false,
    ...(rootSha256 !== undefined && { rootSha256 }),
    ...(note !== undefined && { note }),
  };
  return audited(ports, call, { action: 'token.create', target: id, after: view }, async () => {
    await ports.tokens.create(view, createHash('sha256').update(secret).digest('hex'));
    return {
      version: 1,
      token: joinToken({ tokenId: id, secret, ...(rootSha256 !== undefined && { rootSha256, group }) }),
      view,
    };
  });
}

/** 32 of 36 possible characters, so that each byte gives one of them with the same chance: 80 bits. */
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
const idOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => alphabet[byte % 32]).join('');
