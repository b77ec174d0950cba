import { repositoryStoreContract } from '#shared/stores/repository/contract-suite.ts';
import { MemoryRepositoryStore } from './memory-repository.ts';

repositoryStoreContract('memory', async () => new MemoryRepositoryStore());
