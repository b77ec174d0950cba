import { cleaningJournalContract, payloadCleaningContract } from '#shared/stores/payloads/cleaning-contract-suite.ts';
import { MemoryCleaningJournal, MemoryPayloadCleaning } from './memory-cleaning.ts';
import { MemoryPayloadStore } from './memory-stores.ts';

payloadCleaningContract('memory', async () => {
  const store = new MemoryPayloadStore();
  const hasObject = async (sha256: string): Promise<boolean> => store.objects.has(sha256);
  return { store, cleaning: new MemoryPayloadCleaning(store), hasObject };
});
cleaningJournalContract('memory', async () => new MemoryCleaningJournal());
