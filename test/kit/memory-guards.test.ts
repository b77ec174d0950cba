import { idempotencyStoreContract } from '#shared/stores/idempotency/contract-suite.ts';
import { throttleStoreContract } from '#shared/stores/throttle/contract-suite.ts';
import { MemoryIdempotencyStore, MemoryThrottleStore } from './memory-guards.ts';

throttleStoreContract('memory', async () => new MemoryThrottleStore());
idempotencyStoreContract('memory', async () => new MemoryIdempotencyStore());
