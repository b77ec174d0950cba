/** Thread that makes inner cabinets of one world, which it invents for itself, when it is asked for them by number. */
import { parentPort, workerData } from 'node:worker_threads';
import { type InnerCab, packageCab, shardCab } from './cabs.ts';
import type { ListCounts } from './package-list.ts';
import { inventWorld, type WorldOptions } from './world.ts';

/** Number 0 is package.cab, 1 the first detail cabinet. */
type CabRequest = number;
export type CabAnswer = InnerCab & { readonly number: number; readonly counts?: ListCounts };

const world = inventWorld(workerData as WorldOptions);

parentPort?.on('message', (number: CabRequest) => {
  const shard = world.shards[number - 1];
  const cab = shard === undefined ? packageCab(world) : shardCab(world, shard);
  parentPort?.postMessage({ ...cab, number } satisfies CabAnswer, [cab.bytes.buffer]);
});
