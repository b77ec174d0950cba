import { describe, expect, it } from 'vitest';
import { StoreError } from '#shared/stores/store-error.ts';
import { MemoryHostStore } from '#test/kit/memory-hosts.ts';
import { MemoryTokenStore } from '#test/kit/memory-tokens.ts';
import { at, hostFactsOf, hostKeyOf, sha256, tokenOf } from '#test/kit/values.ts';
import type { HostCaller } from './ports.ts';
import { inTurn, writeDown } from './turn.ts';

describe('a write that others are at, too', () => {
  it('that did not get its turn is asked to come again', async () => {
    const lost = Promise.reject(new StoreError('conflict', 'others were writing the same items'));
    await expect(inTurn(lost)).rejects.toMatchObject({
      name: 'ProblemError',
      code: 'throttled',
      more: { retryAfterSeconds: 5 },
    });
  });

  it('passes on what it gave, and every other failure', async () => {
    expect(await inTurn(Promise.resolve('stored'))).toBe('stored');
    const refused = new StoreError('refused', 'too large');
    await expect(inTurn(Promise.reject(refused))).rejects.toBe(refused);
  });
});

describe('a request that was let in', () => {
  const key = hostKeyOf('pc-1');
  async function make() {
    const tokens = new MemoryTokenStore();
    await tokens.create(tokenOf(1, { replace: true }), sha256('secret'));
    const hosts = new MemoryHostStore(tokens);
    const { tokenId } = tokenOf(1);
    const host = { host: hostFactsOf('pc-1'), tokenId, secretSha256: sha256('secret'), sequence: 1, at: at(0) };
    await hosts.enrol({ ...host, ...key });
    const record = await hosts.find('pc-1');
    if (record === undefined) throw new Error('the host was not enrolled');
    const { thumbprint } = key;
    const seen = { thumbprint, sequence: 2, after: 1, at: at(10), allowance: { left: 1, at: 0 } };
    const caller: HostCaller = { kind: 'host', record, seen };
    return { hosts, caller, host };
  }

  it('is refused when it comes twice, and told where to go on', async () => {
    const { hosts, caller } = await make();
    await writeDown({ hosts }, caller);
    await expect(writeDown({ hosts }, caller)).rejects.toMatchObject({ code: 'replayed', more: { lastSequence: 2 } });
  });

  it('is refused when its key was revoked or replaced since', async () => {
    const { hosts, caller, host } = await make();
    await hosts.revoke('pc-1', at(5));
    await expect(writeDown({ hosts }, caller)).rejects.toMatchObject({ code: 'revoked' });
    await hosts.enrol({ ...host, ...hostKeyOf('pc-1 anew') });
    await expect(writeDown({ hosts }, caller)).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});
