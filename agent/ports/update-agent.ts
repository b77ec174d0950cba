import type { HostFacts } from '#shared/contract/agent/report.ts';
import type { HostScan, NeededUpdate } from '#shared/core/catalog/scan.ts';

/** An index on the local disk, already proved. */
export interface IndexFile {
  readonly path: string;
  readonly sha256: string;
}

/** A payload file on the local disk, with what it must be. */
export interface InstallFile {
  readonly path: string;
  readonly sha1: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Name that the installer expects. */
  readonly name?: string;
}

export type InstallOutcome =
  | { readonly outcome: 'installed'; readonly rebootRequired: boolean }
  /** `hresult` as `0x` and eight hex digits, lower or upper case as Microsoft writes it. */
  | { readonly outcome: 'failed'; readonly hresult: string; readonly message: string };

/**
 * The Windows Update Agent of one machine. `install` returns failures as values, because they are results of the
 * machine; it throws AgentError only when the machine could not even be asked.
 */
export interface UpdateAgent {
  /** Facts of the machine, without what only the agent knows. */
  machine(): Promise<Omit<HostFacts, 'agentVersion'>>;
  /** @throws AgentError `scan-failed` */
  scan(index: IndexFile): Promise<HostScan>;
  /**
   * Installs one update. It needs every file of the update and refuses wrong ones before it changes anything, as
   * IUpdate2::CopyToCache does.
   */
  install(update: NeededUpdate, files: readonly InstallFile[]): Promise<InstallOutcome>;
}
