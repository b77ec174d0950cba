import type { UpdateName } from './model.ts';

/** Value of `state` for a machine whose report is known and whose row is not. */
export const noHost = 255;

/**
 * Hosts of one partition in columns, by machine id. A time that is absent is 0. Nobody changes them: they are shared by
 * all who read.
 */
export interface FleetColumns {
  /** Sorted by code units, each once. */
  readonly machineIds: readonly string[];
  readonly hostnames: readonly string[];
  /** What the four columns below refer to. */
  readonly texts: readonly string[];
  readonly os: Uint32Array;
  readonly osVersion: Uint32Array;
  readonly agentVersion: Uint32Array;
  readonly group: Uint32Array;
  /** Place in `hostStates`, or {@link noHost}. */
  readonly state: Uint8Array;
  readonly clones: Uint8Array;
  readonly sequence: Float64Array;
  readonly enrolledAt: Float64Array;
  readonly lastSeenAt: Float64Array;
  readonly reportedAt: Float64Array;
  readonly revokedAt: Float64Array;
  /** Month of the three columns below, as `monthNumber` gives it; 0 for none. */
  readonly receivedMonth: Uint32Array;
  /** Bytes, as `ReceivedBytes` has them. */
  readonly receivedIndex: Float64Array;
  readonly receivedFiles: Float64Array;
  readonly receivedDirect: Float64Array;
  /** Of the report that is applied; 0 for none. */
  readonly reportVersion: Float64Array;
  /** Arrival of that report. */
  readonly reportAt: Float64Array;
  /** Where the updates of each host end in `entries`; they begin where those of the host before end. */
  readonly ends: Uint32Array;
  /** Place in `updates` times 8, plus the place in `updateStates`. */
  readonly entries: Uint32Array;
  readonly updates: readonly UpdateName[];
  /** Rows that do not parse, as `machine id/item`, sorted. */
  readonly unreadable: readonly string[];
  /** Machines whose row was removed lately, with the time: older rows that come late change nothing. */
  readonly removed: readonly (readonly [machineId: string, at: number])[];
}

export const emptyColumns: FleetColumns = {
  machineIds: [],
  hostnames: [],
  texts: [],
  os: new Uint32Array(),
  osVersion: new Uint32Array(),
  agentVersion: new Uint32Array(),
  group: new Uint32Array(),
  state: new Uint8Array(),
  clones: new Uint8Array(),
  sequence: new Float64Array(),
  enrolledAt: new Float64Array(),
  lastSeenAt: new Float64Array(),
  reportedAt: new Float64Array(),
  revokedAt: new Float64Array(),
  receivedMonth: new Uint32Array(),
  receivedIndex: new Float64Array(),
  receivedFiles: new Float64Array(),
  receivedDirect: new Float64Array(),
  reportVersion: new Float64Array(),
  reportAt: new Float64Array(),
  ends: new Uint32Array(),
  entries: new Uint32Array(),
  updates: [],
  unreadable: [],
  removed: [],
};
