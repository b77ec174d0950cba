import type { CatalogStore } from '#shared/stores/catalog/port.ts';
import type { EventSink } from '#shared/stores/events/port.ts';
import type { FleetReader } from '#shared/stores/fleet/port.ts';
import type { PackageFileCleaning } from '#shared/stores/packages/port.ts';
import type { CleaningJournal, PayloadCleaning } from '#shared/stores/payloads/port.ts';
import type { RepositoryStore } from '#shared/stores/repository/port.ts';
import type { RequestStore } from '#shared/stores/requests/port.ts';

/** What the cleaning needs of the outside. */
export interface CleanPorts {
  readonly cleaning: PayloadCleaning;
  readonly journal: Pick<CleaningJournal, 'putRun' | 'run'>;
  /** Files of administrators' own packages. */
  readonly packages: PackageFileCleaning;
  readonly repository: Pick<RepositoryStore, 'read'>;
  readonly fleet: FleetReader;
  readonly catalog: Pick<CatalogStore, 'unitsById' | 'unitsOfKb'>;
  readonly requests: Pick<RequestStore, 'list'>;
  readonly events: EventSink;
  readonly now: () => Date;
  readonly settings: CleanSettings;
}

interface CleanSettings {
  /** How long a file that nobody needs stays held. Seconds. */
  readonly graceSeconds: number;
  /** How long the bytes of a retired file stay for those who are downloading it. Seconds. */
  readonly pauseSeconds: number;
  /** Hosts that were not seen for so long keep no files. Seconds. */
  readonly hostsCountForSeconds: number;
  /** Files of updates with these KB numbers (digits) are kept whoever needs them. */
  readonly keepKbs: readonly string[];
}
