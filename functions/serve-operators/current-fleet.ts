import { ProblemError } from '#shared/contract/problem-error.ts';
import type { Fleet } from '#shared/core/fleet/fleet.ts';
import type { FleetReader } from '#shared/stores/fleet/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';

export interface FleetPorts {
  readonly snapshot: FleetReader;
  readonly now: () => Date;
}

/** @throws ProblemError `unavailable` when the snapshot is lost or damaged: a part of the fleet is never shown as all of it */
export async function currentFleet({ snapshot }: FleetPorts): Promise<Fleet> {
  try {
    return await snapshot.current();
  } catch (error) {
    if (error instanceof StoreError && (error.code === 'corrupt' || error.code === 'not-found')) {
      const detail = 'the snapshot of the fleet is damaged; docs/operating.md says how to make it anew';
      throw new ProblemError('unavailable', detail, { cause: error });
    }
    throw error;
  }
}

/** From when the snapshot is, and how many seconds ago that was. Before the first it is from 1970. */
export function ageOf({ asOf }: Fleet, now: Date): { readonly asOf: string; readonly ageSeconds: number } {
  return { asOf: iso(asOf), ageSeconds: Math.max(0, Math.round((now.getTime() - asOf) / 1000)) };
}

export const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
