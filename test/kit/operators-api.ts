/** The operators' API on memory stores, at a time that a test sets, called by made-up people. */
import { createHash } from 'node:crypto';
import { fleetLists } from '#functions/serve-operators/fleet-lists.ts';
import type { Person } from '#functions/serve-operators/person.ts';
import type { OperatorPorts } from '#functions/serve-operators/ports.ts';
import { serveOperators } from '#functions/serve-operators/serve-operators.ts';
import type { CleaningWishes } from '#shared/contract/messages/clean-payloads.ts';
import type { SyncWishes } from '#shared/contract/messages/sync-index.ts';
import type { Fleet } from '#shared/core/fleet/fleet.ts';
import type { FleetChange, HostRow } from '#shared/core/fleet/model.ts';
import { FleetPartition } from '#shared/core/fleet/partition.ts';
import { MemoryAuditAnchorStore, MemoryAuditLog } from './memory-audit.ts';
import { MemoryCleaningJournal } from './memory-cleaning.ts';
import { MemoryCommandStore } from './memory-commands.ts';
import { MemoryEventSink } from './memory-events.ts';
import { MemoryHostStore } from './memory-hosts.ts';
import { MemoryIndexStore, MemorySyncJournal } from './memory-index.ts';
import { MemoryPackageFiles } from './memory-packages.ts';
import { MemoryPublishQueue, MemoryRepositoryStore } from './memory-repository.ts';
import { MemoryRequestStore } from './memory-requests.ts';
import { MemoryRuleStore } from './memory-rules.ts';
import { MemoryCatalogStore, MemoryPayloadStore } from './memory-stores.ts';
import { MemoryTokenStore } from './memory-tokens.ts';
import { throwawaySigner } from './signed-repository.ts';
import { at, hostFactsOf, hostKeyOf, sha256, tokenOf } from './values.ts';

export const ada: Person = { subject: 'subject-ada', name: 'ada@example.org', role: 'administrator' };

/** Where the calls of a test come from. */
export const origin = { from: { address: '192.0.2.7', userAgent: 'tests' }, requestId: 'request-1' } as const;

export const tokenSecret = 'S'.repeat(43);

/** A host in the group "pilots" as the snapshot of the fleet has it. */
export const fleetHostOf = (machineId: string, more: Partial<HostRow> = {}): HostRow => ({
  ...hostFactsOf(machineId),
  machineId,
  group: 'pilots',
  state: 'OK',
  enrolledAt: Date.parse(at(1)),
  lastSeenAt: Date.parse(at(2)),
  clones: 0,
  sequence: 1,
  ...more,
});

export function operatorsApi() {
  const clock = { seconds: 100 };
  const now = () => new Date(at(clock.seconds));
  const started: ({ runId: string } & SyncWishes & CleaningWishes)[] = [];
  const tokens = new MemoryTokenStore();
  const fleet: { current: Fleet } = { current: { asOf: Date.parse(at(90)), partitions: [] } };
  const snapshot = { current: async () => fleet.current };
  const setRows = (changes: readonly FleetChange[]): void => {
    const { partition } = new FleetPartition().apply(changes, now().getTime());
    fleet.current = { asOf: Date.parse(at(90)), partitions: [partition] };
  };
  const online = throwawaySigner();
  let ids = 0;
  const ports = {
    index: new MemoryIndexStore(),
    catalog: new MemoryCatalogStore(),
    journal: new MemorySyncJournal(),
    fleet: fleetLists({ snapshot, now }),
    snapshot,
    hosts: new MemoryHostStore(tokens),
    requests: new MemoryRequestStore(),
    payloads: new MemoryPayloadStore(),
    packages: new MemoryPackageFiles(),
    cleanings: new MemoryCleaningJournal(),
    rules: new MemoryRuleStore(),
    repository: new MemoryRepositoryStore(),
    publisher: new MemoryPublishQueue(),
    onlineKey: online.publicKey,
    commands: new MemoryCommandStore(),
    tokens,
    audit: new MemoryAuditLog(),
    anchors: new MemoryAuditAnchorStore(),
    events: new MemoryEventSink(),
    runs: {
      startSync: async (runId: string, wishes: SyncWishes) => {
        started.push({ runId, ...wishes });
      },
      startCleaning: async (runId: string, wishes: CleaningWishes) => {
        started.push({ runId, ...wishes });
      },
      sweep: async () => ({ version: 1 as const, queued: 2, requeued: 1 }),
    },
    now,
    newId: () => {
      ids += 1;
      return `00000000-0000-4000-8000-${String(ids).padStart(12, '0')}`;
    },
    // The same in each test, and different for each count.
    randomBytes: (count: number) => createHash('sha512').update(String(count)).digest().subarray(0, count),
  } satisfies OperatorPorts;
  const api = serveOperators(ports);

  return {
    api,
    ports,
    clock,
    /** The key of the publisher. */
    online,
    /** Runs that were started. */
    started,
    /** The fleet that lists and counts are taken from. */
    setFleet(...hosts: readonly HostRow[]): void {
      setRows(hosts.map((host) => ({ kind: 'host', host })));
    },
    /** The fleet with reports. */
    setRows,
    /** A host that is enrolled. */
    async enrol(machineId: string): Promise<void> {
      if ((await tokens.get(tokenOf(1).tokenId)) === undefined) await tokens.create(tokenOf(1), sha256(tokenSecret));
      const enrolled = await ports.hosts.enrol({
        host: hostFactsOf(machineId),
        ...hostKeyOf(machineId),
        tokenId: tokenOf(1).tokenId,
        secretSha256: sha256(tokenSecret),
        sequence: 1,
        at: at(50),
      });
      if (enrolled.outcome !== 'enrolled') throw new Error(`${machineId} was not enrolled: ${enrolled.outcome}`);
    },
  };
}

const call = { path: {}, query: {}, caller: ada, ...origin } as const;

/** A call without a body. */
export const get = (more: { path?: Record<string, string>; query?: Record<string, string | undefined> } = {}) =>
  ({ ...call, request: undefined, ...more }) as const;

/** A call with a body. */
export const post = <T>(request: T, path: Readonly<Record<string, string>> = {}) =>
  ({ ...call, request, path }) as const;
