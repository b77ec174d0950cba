import { commandStoreContract } from '#shared/stores/commands/contract-suite.ts';
import { MemoryCommandStore } from './memory-commands.ts';

commandStoreContract('memory', async () => new MemoryCommandStore());
