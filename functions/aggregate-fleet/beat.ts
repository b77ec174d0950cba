import { fleetBeats } from '#shared/contract/fleet-snapshot.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import { currentManifest } from './manifest.ts';
import type { FleetPorts } from './ports.ts';

export interface BeatReport {
  /** How old the snapshot is, in seconds; absent before it stands for any moment. */
  readonly ageSeconds?: number;
}

/** Sends beats through the stream, and says how far those before have come. */
export async function beatFleet(ports: FleetPorts): Promise<BeatReport> {
  const now = ports.now();
  for (let number = 0; number < fleetBeats.count; number++) await ports.rows.beat(number, now.toISOString());
  const { value: manifest } = await currentManifest(ports);
  const asOf = Date.parse(manifest.asOf);
  return asOf === 0 ? {} : { ageSeconds: Math.max(0, (now.getTime() - asOf) / 1000) };
}

/** Metrics of a beat. */
export const measureBeat = ({ ageSeconds }: BeatReport): Measurements =>
  ageSeconds === undefined ? {} : { FleetAgeSeconds: ageSeconds };
