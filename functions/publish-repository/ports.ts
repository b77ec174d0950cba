import type { Signer } from '#shared/signing/port.ts';
import type { CatalogStore, IndexStore } from '#shared/stores/catalog/port.ts';
import type { FleetReader } from '#shared/stores/fleet/port.ts';
import type { PayloadStore } from '#shared/stores/payloads/port.ts';
import type { RepositoryStore } from '#shared/stores/repository/port.ts';
import type { RuleStore } from '#shared/stores/rules/port.ts';

/** What publishing needs of the outside. */
export interface PublishPorts {
  readonly repository: RepositoryStore;
  /** The online key. */
  readonly signer: Signer;
  readonly rules: Pick<RuleStore, 'get' | 'signed'>;
  readonly index: Pick<IndexStore, 'current'>;
  readonly catalog: Pick<CatalogStore, 'unitsById'>;
  readonly payloads: Pick<PayloadStore, 'held'>;
  readonly fleet: FleetReader;
  readonly now: () => Date;
}
