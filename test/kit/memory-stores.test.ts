import {
  catalogStoreContract,
  indexStoreContract,
  syncJournalContract,
} from '#shared/stores/catalog/contract-suite.ts';
import { payloadStoreContract } from '#shared/stores/payloads/contract-suite.ts';
import { transferStoreContract } from '#shared/stores/payloads/transfer-contract-suite.ts';
import { requestStoreContract } from '#shared/stores/requests/contract-suite.ts';
import { fetchQueueContract } from '#shared/stores/requests/queue-contract-suite.ts';
import { MemoryIndexStore, MemorySyncJournal } from './memory-index.ts';
import { MemoryFetchQueue, MemoryRequestStore } from './memory-requests.ts';
import { MemoryCatalogStore, MemoryPayloadStore } from './memory-stores.ts';
import { MemoryTransferStore } from './memory-transfers.ts';

indexStoreContract('memory', async () => new MemoryIndexStore());
catalogStoreContract('memory', async () => new MemoryCatalogStore());
syncJournalContract('memory', async () => new MemorySyncJournal());
requestStoreContract('memory', async (options) => new MemoryRequestStore(options));
transferStoreContract('memory', async () => {
  const objects = new Map<string, Buffer>();
  const store = new MemoryTransferStore(objects);
  return {
    store,
    object: async (digest) => objects.get(digest),
    leftovers: async () => [...store.uploads.keys(), ...store.staged.keys()],
  };
});
payloadStoreContract('memory', async () => {
  const store = new MemoryPayloadStore();
  return {
    store,
    object: async (sha256) => store.objects.get(sha256),
    leftovers: async () => [...store.open].map(() => 'an open upload'),
  };
});
fetchQueueContract('memory', async () => {
  const queue = new MemoryFetchQueue();
  return { queue, messages: async () => queue.sent };
});
