import type { Fault } from '../types.ts';

/** Faults that are switched on, in the order in which they were added. */
export interface FaultSwitchboard {
  add(fault: Fault): () => void;
  /** The faults that hit this request; each counts as used once. */
  hitting(path: string, host: string): readonly Fault['kind'][];
  readonly active: readonly { readonly id: number; readonly fault: Fault; readonly left: number | undefined }[];
  remove(id: number): boolean;
}

export function createFaultSwitchboard(): FaultSwitchboard {
  const faults = new Map<number, { readonly fault: Fault; left: number }>();
  let last = 0;
  return {
    add(fault) {
      last += 1;
      const id = last;
      faults.set(id, { fault, left: fault.times ?? Number.POSITIVE_INFINITY });
      return () => {
        faults.delete(id);
      };
    },
    hitting(path, host) {
      const hit: Fault['kind'][] = [];
      for (const [id, entry] of faults) {
        // A pattern with the flag g or y would remember where it stopped.
        entry.fault.path.lastIndex = 0;
        if (!entry.fault.path.test(path)) continue;
        if (entry.fault.host !== undefined && entry.fault.host !== host) continue;
        hit.push(entry.fault.kind);
        entry.left -= 1;
        if (entry.left <= 0) faults.delete(id);
      }
      return hit;
    },
    get active() {
      return [...faults].map(([id, { fault, left }]) => ({
        id,
        fault,
        left: Number.isFinite(left) ? left : undefined,
      }));
    },
    remove: (id) => faults.delete(id),
  };
}
