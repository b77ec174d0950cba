import { hostStates, updateStates } from '../status/states.ts';
import { type FleetColumns, noHost } from './columns.ts';
import type { HostRow, ReportRow, UpdateName, UpdateOnHost } from './model.ts';
import { monthNumber } from './received.ts';

/** A machine while its partition is put together anew. */
export interface Machine {
  readonly host: HostRow | undefined;
  readonly report: ReportRow | undefined;
}

type WideColumn =
  | 'sequence'
  | 'enrolledAt'
  | 'lastSeenAt'
  | 'reportedAt'
  | 'revokedAt'
  | 'receivedIndex'
  | 'receivedFiles'
  | 'receivedDirect'
  | 'reportVersion'
  | 'reportAt';

const stateCode = new Map<string, number>(updateStates.map((state, index) => [state, index]));
const keyOf = ({ updateId, revision }: UpdateName): string => `${updateId}_${revision}`;

/** Puts the columns of a partition together, machine by machine in the order of their ids. */
export class ColumnsBuilder {
  readonly #machineIds: string[] = [];
  readonly #hostnames: string[] = [];
  readonly #texts: string[] = [];
  readonly #textPlaces = new Map<string, number>();
  readonly #updates: UpdateName[] = [];
  readonly #updatePlaces = new Map<string, number>();
  /** Where texts and updates of another partition are in this one, by partition. */
  readonly #moved = new Map<FleetColumns, { readonly texts: Int32Array; readonly updates: Int32Array }>();
  readonly #numbers: Record<
    'os' | 'osVersion' | 'agentVersion' | 'group' | 'state' | 'clones' | 'receivedMonth',
    number[]
  > = {
    os: [],
    osVersion: [],
    agentVersion: [],
    group: [],
    state: [],
    clones: [],
    receivedMonth: [],
  };
  readonly #wide: Record<WideColumn, number[]> = {
    sequence: [],
    enrolledAt: [],
    lastSeenAt: [],
    reportedAt: [],
    revokedAt: [],
    receivedIndex: [],
    receivedFiles: [],
    receivedDirect: [],
    reportVersion: [],
    reportAt: [],
  };
  readonly #ends: number[] = [];
  #entries = new Uint32Array(1024);
  #used = 0;

  /** Adds the machine at a place of another partition as it is. */
  copy(from: FleetColumns, place: number): void {
    const moved = this.#movedFrom(from);
    const text = (index: number): number => {
      const known = moved.texts[index] ?? -1;
      if (known >= 0) return known;
      moved.texts[index] = this.#textPlace(from.texts[index] ?? '');
      return moved.texts[index] ?? 0;
    };
    this.#machineIds.push(from.machineIds[place] ?? '');
    this.#hostnames.push(from.hostnames[place] ?? '');
    for (const name of ['os', 'osVersion', 'agentVersion', 'group'] as const)
      this.#numbers[name].push(text(from[name][place] ?? 0));
    for (const name of ['state', 'clones', 'receivedMonth'] as const) this.#numbers[name].push(from[name][place] ?? 0);
    for (const [name, values] of Object.entries(this.#wide) as [WideColumn, number[]][])
      values.push(from[name][place] ?? 0);
    const [start, end] = [place === 0 ? 0 : (from.ends[place - 1] ?? 0), from.ends[place] ?? 0];
    this.#room(end - start);
    for (let at = start; at < end; at++) {
      const entry = from.entries[at] ?? 0;
      const before = entry >>> 3;
      let now = moved.updates[before] ?? -1;
      if (now < 0) {
        now = this.#updatePlace(from.updates[before]);
        moved.updates[before] = now;
      }
      this.#entries[this.#used++] = now * 8 + (entry & 7);
    }
    this.#ends.push(this.#used);
  }

  add(machineId: string, { host, report }: Machine): void {
    this.#machineIds.push(machineId);
    this.#hostnames.push(host?.hostname ?? '');
    for (const name of ['os', 'osVersion', 'agentVersion', 'group'] as const)
      this.#numbers[name].push(this.#textPlace(host?.[name] ?? ''));
    this.#numbers.state.push(host === undefined ? noHost : hostStates.indexOf(host.state));
    this.#numbers.clones.push(Math.min(host?.clones ?? 0, 255));
    for (const name of ['sequence', 'enrolledAt', 'lastSeenAt', 'reportedAt', 'revokedAt'] as const)
      this.#wide[name].push(host?.[name] ?? 0);
    const received = host?.received;
    this.#numbers.receivedMonth.push(received === undefined ? 0 : monthNumber(received.month));
    this.#wide.receivedIndex.push(received?.index ?? 0);
    this.#wide.receivedFiles.push(received?.files ?? 0);
    this.#wide.receivedDirect.push(received?.direct ?? 0);
    this.#wide.reportVersion.push(report?.reportVersion ?? 0);
    this.#wide.reportAt.push(report?.reportedAt ?? 0);
    const updates = report?.updates ?? [];
    this.#room(updates.length);
    for (const update of updates) {
      this.#entries[this.#used++] = this.#updatePlace(nameOf(update)) * 8 + (stateCode.get(update.state) ?? 0);
    }
    this.#ends.push(this.#used);
  }

  finish(unreadable: FleetColumns['unreadable'], removed: FleetColumns['removed']): FleetColumns {
    const numbers = this.#numbers;
    const wide = this.#wide;
    return {
      machineIds: this.#machineIds,
      hostnames: this.#hostnames,
      texts: this.#texts,
      os: Uint32Array.from(numbers.os),
      osVersion: Uint32Array.from(numbers.osVersion),
      agentVersion: Uint32Array.from(numbers.agentVersion),
      group: Uint32Array.from(numbers.group),
      state: Uint8Array.from(numbers.state),
      clones: Uint8Array.from(numbers.clones),
      sequence: Float64Array.from(wide.sequence),
      enrolledAt: Float64Array.from(wide.enrolledAt),
      lastSeenAt: Float64Array.from(wide.lastSeenAt),
      reportedAt: Float64Array.from(wide.reportedAt),
      revokedAt: Float64Array.from(wide.revokedAt),
      receivedMonth: Uint32Array.from(numbers.receivedMonth),
      receivedIndex: Float64Array.from(wide.receivedIndex),
      receivedFiles: Float64Array.from(wide.receivedFiles),
      receivedDirect: Float64Array.from(wide.receivedDirect),
      reportVersion: Float64Array.from(wide.reportVersion),
      reportAt: Float64Array.from(wide.reportAt),
      ends: Uint32Array.from(this.#ends),
      entries: this.#entries.slice(0, this.#used),
      updates: this.#updates,
      unreadable,
      removed,
    };
  }

  #movedFrom(from: FleetColumns): { readonly texts: Int32Array; readonly updates: Int32Array } {
    let moved = this.#moved.get(from);
    if (moved === undefined) {
      moved = {
        texts: new Int32Array(from.texts.length).fill(-1),
        updates: new Int32Array(from.updates.length).fill(-1),
      };
      this.#moved.set(from, moved);
    }
    return moved;
  }

  #textPlace(text: string): number {
    let place = this.#textPlaces.get(text);
    if (place === undefined) {
      place = this.#texts.push(text) - 1;
      this.#textPlaces.set(text, place);
    }
    return place;
  }

  #updatePlace(update: UpdateName | undefined): number {
    if (update === undefined) throw new RangeError('an entry refers to no update of its partition');
    const key = keyOf(update);
    let place = this.#updatePlaces.get(key);
    if (place === undefined) {
      place = this.#updates.push(update) - 1;
      this.#updatePlaces.set(key, place);
    } else {
      const known = this.#updates[place];
      // Hosts with different indexes may name an update differently; the same name wins in whatever order they come.
      if (known !== undefined && known !== update && nameText(known) < nameText(update)) this.#updates[place] = update;
    }
    return place;
  }

  #room(more: number): void {
    if (this.#used + more <= this.#entries.length) return;
    const larger = new Uint32Array(Math.max(this.#entries.length * 2, this.#used + more));
    larger.set(this.#entries);
    this.#entries = larger;
  }
}

const nameOf = ({ updateId, revision, kbs, title }: UpdateOnHost): UpdateName => ({
  updateId,
  revision,
  kbs,
  ...(title !== undefined && { title }),
});

const nameText = ({ kbs, title }: UpdateName): string => JSON.stringify([kbs, title ?? '']);
