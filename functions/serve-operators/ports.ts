import type { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { StatusView } from '#shared/contract/operators/views.ts';
import type { MonthOfFleet } from '#shared/core/fleet/received.ts';
import type { Call, Implementation } from '#shared/lambda/api-handler.ts';
import type { AuditAnchorStore, AuditLog } from '#shared/stores/audit/port.ts';
import type { CatalogStore, IndexStore, SyncJournal } from '#shared/stores/catalog/port.ts';
import type { CommandStore } from '#shared/stores/commands/port.ts';
import type { EventSink } from '#shared/stores/events/port.ts';
import type { FleetReader } from '#shared/stores/fleet/port.ts';
import type { HostStore } from '#shared/stores/hosts/port.ts';
import type { PackageFileStore } from '#shared/stores/packages/port.ts';
import type { CleaningJournal, PayloadStore } from '#shared/stores/payloads/port.ts';
import type { PublishQueue, RepositoryStore } from '#shared/stores/repository/port.ts';
import type { RequestStore } from '#shared/stores/requests/port.ts';
import type { RuleStore } from '#shared/stores/rules/port.ts';
import type { RunStarter } from '#shared/stores/runs/port.ts';
import type { TokenStore } from '#shared/stores/tokens/port.ts';
import type { Person } from './person.ts';

/** The whole API. Each noun of it is a module that implements a part. */
export type OperatorsApi = Implementation<typeof operatorEndpoints, Person>;

/** What is known of a call beside its content: who, and from where. */
export type Caller = Pick<Call<(typeof operatorEndpoints)['getMe'], Person>, 'caller' | 'from' | 'requestId'>;

/** What is answered from the snapshot of the fleet. */
export interface FleetLists
  extends Pick<OperatorsApi, 'listHosts' | 'listReportedUpdates' | 'listGroups' | 'getGroup'> {
  /** Hosts in numbers, for the status. */
  fleetCounts(): Promise<StatusView['hosts']>;
  /** What came to hosts in a month of UTC, `2026-11`. */
  receivedIn(month: string): Promise<MonthOfFleet>;
}

export interface OperatorPorts {
  readonly index: Pick<IndexStore, 'current'>;
  readonly journal: Pick<SyncJournal, 'refusal' | 'putRun' | 'run'>;
  readonly catalog: Pick<CatalogStore, 'fileFacts' | 'unitFacts' | 'unitsById' | 'unitsOfKb'>;
  readonly fleet: FleetLists;
  /** The fleet itself, for what is no list. */
  readonly snapshot: FleetReader;
  readonly hosts: Pick<HostStore, 'find' | 'view' | 'revoke'>;
  readonly requests: Pick<RequestStore, 'get' | 'list' | 'countByState' | 'open'>;
  readonly payloads: Pick<PayloadStore, 'held' | 'retiredAt' | 'list' | 'totals' | 'fetchedIn'>;
  /** Files of administrators' own packages. */
  readonly packages: PackageFileStore;
  readonly cleanings: CleaningJournal;
  readonly rules: RuleStore;
  readonly repository: Pick<RepositoryStore, 'read'>;
  readonly publisher: PublishQueue;
  /** PEM of the key that the publisher signs with. */
  readonly onlineKey: () => Promise<string>;
  readonly runs: RunStarter;
  readonly commands: Pick<CommandStore, 'create' | 'get' | 'list' | 'cancel' | 'outcomes'>;
  readonly tokens: TokenStore;
  readonly audit: AuditLog;
  readonly anchors: Pick<AuditAnchorStore, 'list'>;
  readonly events: EventSink;
  readonly now: () => Date;
  /** A new UUID, lower-case: ids of runs and commands. */
  readonly newId: () => string;
  /** Bytes that nobody can guess. */
  readonly randomBytes: (count: number) => Uint8Array;
}
