import { hostStoreContract } from '#shared/stores/hosts/contract-suite.ts';
import { tokenStoreContract } from '#shared/stores/tokens/contract-suite.ts';
import { MemoryHostStore } from './memory-hosts.ts';
import { MemoryTokenStore } from './memory-tokens.ts';

tokenStoreContract('memory', async () => new MemoryTokenStore());
hostStoreContract('memory', async () => {
  const tokens = new MemoryTokenStore();
  return { tokens, hosts: new MemoryHostStore(tokens) };
});
