import { join } from 'node:path';
import { type Dispatcher, Agent as HttpAgent } from 'undici';
import { microsoftRoots } from '#shared/authenticode/index.ts';
import { openApplyLock } from './adapters/node/apply-lock.ts';
import { systemClock } from './adapters/node/clock.ts';
import { openDocumentFolder } from './adapters/node/documents.ts';
import { openFileStore } from './adapters/node/file-store.ts';
import { createHttpBroker } from './adapters/node/http-broker.ts';
import { createHttpRepository } from './adapters/node/http-repository.ts';
import { decodeIndexFile, type IndexDecoder, rememberCatalogs } from './adapters/simulated/index-decoder.ts';
import { createSimulatedUpdateAgent } from './adapters/simulated/update-agent.ts';
import { defaultSchedule } from './core/schedule.ts';
import type { Documents } from './ports/documents.ts';
import type { Log } from './ports/surroundings.ts';
import type { UpdateAgent } from './ports/update-agent.ts';
import type { Agent, AgentAdapters, AgentSettings } from './run/agent.ts';
import { readAgentVersion } from './version.ts';

export type { Agent } from './run/agent.ts';
export { runCycle } from './run/cycle.ts';
export { type CycleResult, type Phase, phases } from './run/documents.ts';
export { runLoop } from './run/loop.ts';

const gibibyte = 1024 ** 3;

/** Makes an agent of its parts. What `config` leaves out has the defaults that stand here. */
export function createAgent(config: Partial<AgentSettings>, adapters: AgentAdapters): Agent {
  return {
    adapters,
    settings: {
      agentVersion: config.agentVersion ?? readAgentVersion(),
      schedule: config.schedule ?? defaultSchedule,
      maxInstallAttempts: config.maxInstallAttempts ?? 5,
      triesPerCycle: config.triesPerCycle ?? 4,
      maxWaitInCycleSeconds: config.maxWaitInCycleSeconds ?? 30,
      indexTrust: config.indexTrust ?? { roots: microsoftRoots, allowSha1: false },
      // The index has about 0.65 GB (2026); a cabinet cannot be longer than 2 GiB by much.
      maxIndexBytes: config.maxIndexBytes ?? 4 * gibibyte,
      // A single file of Windows 11's updates has some GB.
      maxPayloadBytes: config.maxPayloadBytes ?? 32 * gibibyte,
    },
  };
}

/** What all agents of one process share: connections and decoded catalogues. */
export interface AgentProcess {
  readonly dispatcher: Dispatcher;
  readonly decodeIndex: IndexDecoder;
  close(): Promise<void>;
}

export function openAgentProcess(): AgentProcess {
  const dispatcher = new HttpAgent({ connect: { timeout: 10_000 }, connections: 16 });
  return {
    dispatcher,
    decodeIndex: rememberCatalogs(decodeIndexFile),
    close: () => dispatcher.close(),
  };
}

export interface AgentOptions {
  readonly process: AgentProcess;
  /** Address of the broker's API. */
  readonly server: URL;
  /** Address of the repository (CDN). */
  readonly repository: URL;
  /** Bearer secret of the API. */
  readonly secret: string;
  /** Folder for indexes, payloads and state; made when it is missing. One agent per folder. */
  readonly dataDir: string;
  readonly log: Log;
  /** Silence after which a request is given up. Seconds. @default 60 */
  readonly timeoutSeconds?: number;
  /** Overrides of the defaults of {@link createAgent}. */
  readonly settings?: Partial<AgentSettings>;
}

/** The state files of an agent's data folder. */
export const openDocuments = (dataDir: string, log: Log): Documents =>
  openDocumentFolder({
    folder: join(dataDir, 'state'),
    onSetAside: (renamedTo, reason) =>
      log({ level: 'warn', message: `a state file was unreadable and is set aside as ${renamedTo}: ${reason}` }),
  });

function createNodeAgent(options: AgentOptions, updateAgent: UpdateAgent): Agent {
  const { dataDir, log, secret, server, repository, process } = options;
  const http = { dispatcher: process.dispatcher, timeoutSeconds: options.timeoutSeconds ?? 60 };
  return createAgent(options.settings ?? {}, {
    broker: createHttpBroker({ ...http, server, secret }),
    repository: createHttpRepository({ ...http, repository }),
    updateAgent,
    files: openFileStore(dataDir),
    documents: openDocuments(dataDir, log),
    lock: openApplyLock(join(dataDir, 'apply.lock')),
    clock: systemClock,
    random: Math.random,
    log,
  });
}

/** An agent whose machine is simulated by a JSON file (adapters/simulated/host-file.ts). */
export function createSimulatedAgent(options: AgentOptions & { readonly hostFile: string }): Agent {
  const { hostFile, log } = options;
  const { decodeIndex } = options.process;
  return createNodeAgent(options, createSimulatedUpdateAgent({ hostFile, decodeIndex, log }));
}
