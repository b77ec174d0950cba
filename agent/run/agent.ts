import type { TrustPolicy } from '#shared/authenticode/index.ts';
import type { TrustedRepository, TrustedRepositoryOptions } from '#shared/repository/client.ts';
import type { DirectPolicy } from '../core/direct.ts';
import type { Schedule } from '../core/schedule.ts';
import type { Broker } from '../ports/broker.ts';
import type { Documents } from '../ports/documents.ts';
import type { FileStore } from '../ports/file-store.ts';
import type { PackageRunner } from '../ports/package-runner.ts';
import type { Repository } from '../ports/repository.ts';
import type { ApplyLock, Clock, Log, Random } from '../ports/surroundings.ts';
import type { UpdateAgent } from '../ports/update-agent.ts';
import type { Web } from '../ports/web.ts';
import type { CookieJar } from './cookie-jar.ts';

/** Everything outside that an agent touches. */
export interface AgentAdapters {
  readonly broker: Broker;
  readonly repository: Repository;
  /** Microsoft's download hosts. */
  readonly web: Web;
  /** The signed repository that begins with this root, with what was proved before; files come by `fetch`. */
  readonly openTrust: (rootSha256: string, fetch: TrustedRepositoryOptions['fetch']) => TrustedRepository;
  readonly cookies: CookieJar;
  readonly updateAgent: UpdateAgent;
  readonly packageRunner: PackageRunner;
  readonly files: FileStore;
  readonly documents: Documents;
  readonly lock: ApplyLock;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface AgentSettings {
  readonly agentVersion: string;
  readonly schedule: Schedule;
  /** Attempts to install one revision of an update before it is left alone. */
  readonly maxInstallAttempts: number;
  /** Calls and downloads are tried so often in one cycle when the failure may pass. */
  readonly triesPerCycle: number;
  /** The longest `Retry-After` that is waited for inside a cycle; a longer one ends the cycle. Seconds. */
  readonly maxWaitInCycleSeconds: number;
  /** Whether files may come from Microsoft itself, unless the signed rules say. */
  readonly direct: DirectPolicy;
  /** Whose signature an index must have. */
  readonly indexTrust: TrustPolicy;
  /** No index may be longer. Bytes. */
  readonly maxIndexBytes: number;
  /** No payload file may be longer. Bytes. */
  readonly maxPayloadBytes: number;
  /** No download begins that would leave less on the disk, which installations and everybody else need, too. Bytes. */
  readonly diskReserveBytes: number;
}

/** One agent, ready to run: `runCycle` goes round once, `runLoop` until it is stopped. */
export interface Agent {
  readonly settings: AgentSettings;
  readonly adapters: AgentAdapters;
}
