/**
 * The snapshot of the fleet: `fleet/v2/current.json`, and one object for each partition, as docs/fleet-snapshot.md
 * describes them. Only the broker's own functions read them; the version is part of the keys and of the objects.
 */
import * as z from 'zod/mini';
import { emptyColumns, type FleetColumns } from '../core/fleet/columns.ts';
import { FleetPartition } from '../core/fleet/partition.ts';
import { hostStates, updateStates } from '../core/status/states.ts';
import { hostItems } from './host-records.ts';
import { timestamp } from './primitives.ts';

/** The manifest: what partitions there are, and what moment they stand for. */
export const fleetManifest = z.object({
  version: z.literal(1),
  /** All changes of the table before this moment are in the partitions. */
  asOf: timestamp,
  /** When the newest change was made that was applied; absent before the first. */
  changedAt: z.optional(timestamp),
  /** When the last beat that came through the stream was sent, by its number. */
  beats: z.record(z.string(), timestamp),
  /** Names the objects of the partitions; another one when they were divided anew. */
  layout: z.string().check(z.regex(/^[a-z0-9-]{1,64}$/)),
  totals: z.object({ hosts: z.int(), byState: z.record(z.enum(hostStates), z.int()) }),
  /** By their index. */
  partitions: z
    .array(
      z.object({
        /** Grows with each write; 0 when it was never written, and is empty. */
        generation: z.int().check(z.nonnegative()),
        /** Of the object of this generation. */
        etag: z.optional(z.string()),
        hosts: z.int(),
        byState: z.record(z.enum(hostStates), z.int()),
      }),
    )
    .check(z.minLength(1)),
});
export type FleetManifest = z.infer<typeof fleetManifest>;

/**
 * Rows that the broker itself writes among the hosts, so that they come through the stream behind all that was written
 * before: what says how far the snapshot is. No machine has such an id. Several, because a stream has several shards.
 */
export const fleetBeats = { count: 4, keyPrefix: '.beat-' } as const;

export const fleetBeat = z.object({
  machineId: z.string().check(z.startsWith(fleetBeats.keyPrefix)),
  item: z.literal(hostItems.beat),
  at: timestamp,
});

/** A partition as its object holds it. */
export interface StoredPartition {
  readonly layout: string;
  readonly index: number;
  /** How many partitions the layout has. */
  readonly of: number;
  readonly generation: number;
  readonly partition: FleetPartition;
}

/** The bytes are not those of a partition. */
export class FleetSnapshotError extends Error {
  override readonly name = 'FleetSnapshotError';
  readonly code = 'damaged';
}

const magic = 'kbfleet\n';
const version = 2;
const alignment = 8;

/** Columns of numbers, in the order of the file. A change owes a new version. */
const sections = {
  os: Uint32Array,
  osVersion: Uint32Array,
  agentVersion: Uint32Array,
  group: Uint32Array,
  state: Uint8Array,
  clones: Uint8Array,
  sequence: Float64Array,
  enrolledAt: Float64Array,
  lastSeenAt: Float64Array,
  reportedAt: Float64Array,
  revokedAt: Float64Array,
  receivedMonth: Uint32Array,
  receivedIndex: Float64Array,
  receivedFiles: Float64Array,
  receivedDirect: Float64Array,
  reportVersion: Float64Array,
  reportAt: Float64Array,
  ends: Uint32Array,
  entries: Uint32Array,
} as const;
type SectionName = keyof typeof sections;
const sectionNames = Object.keys(sections) as SectionName[];

/** What stands before the columns of numbers. */
const head = z.object({
  layout: z.string(),
  index: z.int(),
  of: z.int(),
  generation: z.int(),
  /** Numbers in `entries`; every other section has one for each machine. */
  entries: z.int(),
  machineIds: z.array(z.string()),
  hostnames: z.array(z.string()),
  texts: z.array(z.string()),
  updates: z.array(
    z.object({
      updateId: z.string(),
      revision: z.int(),
      kbs: z.array(z.string()),
      title: z.exactOptional(z.string()),
    }),
  ),
  unreadable: z.array(z.string()),
  removed: z.array(z.tuple([z.string(), z.number()])),
});
type Head = z.infer<typeof head>;

const padded = (length: number): number => Math.ceil(length / alignment) * alignment;

/** The object's bytes before they are compressed. */
export function encodePartition({ layout, index, of, generation, partition }: StoredPartition): Uint8Array {
  const { columns } = partition;
  const { machineIds, hostnames, texts, updates, unreadable, removed } = columns;
  const about: Head = {
    layout,
    index,
    of,
    generation,
    entries: columns.entries.length,
    machineIds: [...machineIds],
    hostnames: [...hostnames],
    texts: [...texts],
    updates: updates.map(({ kbs, ...update }) => ({ ...update, kbs: [...kbs] })),
    unreadable: [...unreadable],
    removed: removed.map(([machineId, at]) => [machineId, at]),
  };
  const json = new TextEncoder().encode(JSON.stringify(about));
  const start = 16 + padded(json.length);
  const bytes = new Uint8Array(start + sectionNames.reduce((sum, name) => sum + padded(columns[name].byteLength), 0));
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(8, version, true);
  new DataView(bytes.buffer).setUint32(12, json.length, true);
  bytes.set(json, 16);
  let at = start;
  for (const name of sectionNames) {
    const { buffer, byteOffset, byteLength } = columns[name];
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += padded(byteLength);
  }
  return bytes;
}

/**
 * What {@link encodePartition} made bytes of. Nothing of `bytes` is kept.
 *
 * @throws FleetSnapshotError whatever is wrong with the bytes
 */
export function decodePartition(bytes: Uint8Array): StoredPartition {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 16 || new TextDecoder().decode(bytes.subarray(0, 8)) !== magic)
    throw new FleetSnapshotError('it does not begin as a partition does');
  const found = view.getUint32(8, true);
  if (found !== version) throw new FleetSnapshotError(`it has version ${found}, only ${version} is read`);
  const jsonLength = view.getUint32(12, true);
  const about = readHead(bytes.subarray(16, 16 + jsonLength));
  const { layout, index, of, generation, entries, ...texts } = about;
  let at = 16 + padded(jsonLength);
  const numbers = Object.fromEntries(
    sectionNames.map((name) => {
      const Make = sections[name];
      const length = name === 'entries' ? entries : texts.machineIds.length;
      const byteLength = length * Make.BYTES_PER_ELEMENT;
      if (at + byteLength > bytes.length) throw new FleetSnapshotError(`it ends inside its section ${name}`);
      // A copy, so that the text of the head is not kept with it; Buffer's own slice would be none.
      const copy = new Uint8Array(bytes.subarray(at, at + byteLength));
      at += padded(byteLength);
      return [name, new Make(copy.buffer)];
    }),
  ) as unknown as Pick<FleetColumns, SectionName>;
  if (at !== bytes.length) throw new FleetSnapshotError(`it has ${bytes.length} bytes in place of ${at}`);
  const columns: FleetColumns = { ...emptyColumns, ...numbers, ...texts };
  checkColumns(columns);
  return { layout, index, of, generation, partition: new FleetPartition(columns) };
}

function readHead(bytes: Uint8Array): Head {
  try {
    return z.parse(head, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new FleetSnapshotError('its head is not what the head of a partition is', { cause });
  }
}

/** References that lead nowhere would show as hosts or updates that nobody has. */
function checkColumns(columns: FleetColumns): void {
  const must = (holds: boolean, what: string): void => {
    if (!holds) throw new FleetSnapshotError(what);
  };
  const { machineIds, hostnames, texts, updates, ends, entries } = columns;
  must(hostnames.length === machineIds.length, 'it has not one hostname for each machine');
  must(
    machineIds.every((id, place) => place === 0 || id > (machineIds[place - 1] ?? '')),
    'its machines are not in order',
  );
  for (const name of ['os', 'osVersion', 'agentVersion', 'group'] as const)
    must(
      columns[name].every((text) => text < texts.length),
      `its column ${name} refers to a text that is not there`,
    );
  must(
    ends.every((end, place) => end >= (ends[place - 1] ?? 0)) && (ends.at(-1) ?? 0) === entries.length,
    'its lists of updates do not fit together',
  );
  must(
    entries.every((entry) => entry >>> 3 < updates.length && (entry & 7) < updateStates.length),
    'it refers to an update or a state that is not there',
  );
}
