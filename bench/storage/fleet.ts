import type { FleetChange, HostRow } from '#shared/core/fleet/model.ts';
import type { UpdateState } from '#shared/core/status/states.ts';
import type { Publication, Published } from './months.ts';

/** Kinds of machines of a made-up company, and how many of each: it has some Windows, and not all that Microsoft serves. */
export const fleetLines: Readonly<Record<string, number>> = {
  'windows11-24h2-x64': 120,
  'windows10-22h2-x64': 50,
  'server2022-x64': 25,
  'server2019-x64': 5,
};

const day = 24 * 3600_000;

/** One host: what it has, and how long after a publication it installs. */
interface Host {
  readonly machineId: string;
  readonly line: string;
  /** Milliseconds from a publication to its installation; infinite for one that is broken or stays off for good. */
  readonly delay: number;
  /** What each series was installed of last, by the place of the publication. */
  readonly installed: Map<string, number>;
}

/** The fleet over a year. Three hosts of a hundred never install anything, and one in twenty takes up to six weeks. */
export class MadeUpFleet {
  readonly hosts: readonly Host[] = Object.entries(fleetLines).flatMap(([line, count]) =>
    Array.from({ length: count }, (_, number): Host => {
      const place = number % 100;
      const late = place % 20 === 7;
      // The rings of a rollout: half within a week, nearly all within three.
      const days = place < 3 ? Number.POSITIVE_INFINITY : late ? 42 : 1 + ((place * 37) % 21);
      return { machineId: `${line}-${number}`, line, delay: days * day, installed: new Map() };
    }),
  );

  /** Installs what is due, and says what each host would report. */
  report(now: Date, published: readonly Publication[]): FleetChange[] {
    return this.hosts.flatMap((host): FleetChange[] => {
      const updates: { readonly update: Published; readonly state: UpdateState }[] = [];
      const newest = new Map<string, { readonly update: Published; readonly at: Date; readonly place: number }>();
      for (const [place, { updates: months, at }] of published.entries())
        for (const update of months)
          if (update.lines.includes(host.line)) newest.set(update.series, { update, at, place });
      for (const [series, { update, at, place }] of newest) {
        if (now.getTime() - at.getTime() >= host.delay) host.installed.set(series, place);
        updates.push({ update, state: (host.installed.get(series) ?? -1) >= place ? 'OK' : 'MISSING' });
      }
      const seen = now.getTime();
      return [
        { kind: 'host', host: rowOf(host, seen) },
        {
          kind: 'report',
          report: {
            machineId: host.machineId,
            reportVersion: seen,
            reportedAt: seen,
            updates: updates.map(({ update, state }) => ({ updateId: update.updateId, revision: 1, kbs: [], state })),
          },
        },
      ];
    });
  }
}

const rowOf = ({ machineId, line }: Host, seen: number): HostRow => ({
  machineId,
  hostname: machineId,
  os: line,
  osVersion: '10.0',
  agentVersion: '1',
  group: 'everyone',
  state: 'OK',
  enrolledAt: 1,
  lastSeenAt: seen,
  clones: 0,
  sequence: seen,
});
