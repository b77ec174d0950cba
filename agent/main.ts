import { join } from 'node:path';
import type { Dispatcher } from 'undici';
import { microsoftRoots } from '#shared/authenticode/index.ts';
import { openTrustedRepository } from '#shared/repository/client.ts';
import { openApplyLock } from './adapters/node/apply-lock.ts';
import { systemClock } from './adapters/node/clock.ts';
import { openDocumentFolder } from './adapters/node/documents.ts';
import { openFileStore } from './adapters/node/file-store.ts';
import { createHttpBroker, createHttpRegistration } from './adapters/node/http-broker.ts';
import { createHttpRepository } from './adapters/node/http-repository.ts';
import { createHttpWeb } from './adapters/node/http-web.ts';
import { openKeyFiles } from './adapters/node/key-files.ts';
import { createProofs } from './adapters/node/proofs.ts';
import { type HttpProxy, openConnections } from './adapters/node/proxy.ts';
import { publicLookup } from './adapters/node/public-hosts.ts';
import { decodeIndexFile, type IndexDecoder, rememberCatalogs } from './adapters/simulated/index-decoder.ts';
import { createSimulatedPackageRunner } from './adapters/simulated/package-runner.ts';
import { createSimulatedUpdateAgent } from './adapters/simulated/update-agent.ts';
import { defaultSchedule } from './core/schedule.ts';
import { AgentError } from './ports/agent-error.ts';
import type { Documents } from './ports/documents.ts';
import type { HostKey, KeyStore } from './ports/identity.ts';
import type { PackageRunner } from './ports/package-runner.ts';
import type { Log } from './ports/surroundings.ts';
import type { UpdateAgent } from './ports/update-agent.ts';
import type { Agent, AgentAdapters, AgentSettings } from './run/agent.ts';
import { openCookieJar } from './run/cookie-jar.ts';
import type { IdentityDocument } from './run/documents.ts';
import { type Enrolled, enrol } from './run/enrol.ts';
import { identityOf, openSequence } from './run/identity.ts';
import { readAgentVersion } from './version.ts';

export { cookieHeader } from './adapters/node/http-repository.ts';
export { type Phase, phases } from './core/phases.ts';
export type { CompiledRules } from './core/settings.ts';
export type { Agent } from './run/agent.ts';
export { runCycle } from './run/cycle.ts';
export type { CycleResult, IdentityDocument } from './run/documents.ts';
export type { Enrolled } from './run/enrol.ts';
export { readIdentity } from './run/identity.ts';
export { runLoop } from './run/loop.ts';
export { readRules } from './run/rules.ts';

const gibibyte = 1024 ** 3;
/** Milliseconds. */
const connectTimeout = 10_000;

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
      direct: config.direct ?? 'never',
      indexTrust: config.indexTrust ?? { roots: microsoftRoots, allowSha1: false },
      // The index has about 0.65 GB (2026); a cabinet cannot be longer than 2 GiB by much.
      maxIndexBytes: config.maxIndexBytes ?? 4 * gibibyte,
      // A single file of Windows 11's updates has some GB.
      maxPayloadBytes: config.maxPayloadBytes ?? 32 * gibibyte,
      diskReserveBytes: config.diskReserveBytes ?? gibibyte / 2,
    },
  };
}

/** What all agents of one process share: connections and decoded catalogues. */
export interface AgentProcess {
  /** Connections to the broker and its repository. */
  readonly dispatcher: Dispatcher;
  /** Connections to Microsoft's hosts. */
  readonly microsoft: Dispatcher;
  readonly decodeIndex: IndexDecoder;
  close(): Promise<void>;
}

export interface AgentProcessOptions {
  /** What every connection goes through. @default none */
  readonly proxy?: HttpProxy | undefined;
}

export function openAgentProcess({ proxy }: AgentProcessOptions = {}): AgentProcess {
  const dispatcher = openConnections({ proxy, connectTimeout });
  const microsoft = openConnections({ proxy, connectTimeout, lookup: publicLookup() });
  return {
    dispatcher,
    microsoft,
    decodeIndex: rememberCatalogs(decodeIndexFile),
    async close() {
      await Promise.all([dispatcher.close(), microsoft.close()]);
    },
  };
}

export interface AgentOptions {
  readonly process: AgentProcess;
  /** Address of the broker's API. @default - where the host enrolled */
  readonly server?: URL | undefined;
  /** Address of the repository (CDN). @default - what the broker named at enrolment */
  readonly repository?: URL | undefined;
  /** Folder for key, indexes, payloads and state; made when it is missing. One agent per folder. */
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

const openKeys = (dataDir: string): KeyStore => openKeyFiles(join(dataDir, 'keys'));

const httpOf = ({ process, timeoutSeconds = 60 }: Pick<AgentOptions, 'process' | 'timeoutSeconds'>) => ({
  dispatcher: process.dispatcher,
  timeoutSeconds,
});

/** The key that was enrolled. @throws AgentError `bad-key` */
async function keyOf({ thumbprint }: IdentityDocument, dataDir: string): Promise<HostKey> {
  const key = await openKeys(dataDir).open(thumbprint);
  if (key !== undefined) return key;
  throw new AgentError('bad-key', `the key ${thumbprint} of this host is gone; enrol again with --new-key`);
}

/** @throws AgentError `not-enrolled`, `bad-key`, `disk` */
async function openNodeAgent(
  options: AgentOptions,
  { updateAgent, packageRunner }: { readonly updateAgent: UpdateAgent; readonly packageRunner: PackageRunner },
): Promise<Agent> {
  const { dataDir, log } = options;
  const http = httpOf(options);
  const documents = openDocuments(dataDir, log);
  const identity = await identityOf(documents);
  const cookies = openCookieJar(documents);
  const proofs = createProofs({
    key: await keyOf(identity, dataDir),
    audience: identity.audience,
    machineId: async () => (await updateAgent.machine()).machineId,
    sequence: openSequence(documents),
    clock: systemClock,
  });
  const repository = options.repository ?? new URL(identity.repositoryUrl);
  return createAgent(options.settings ?? {}, {
    broker: createHttpBroker({ ...http, server: options.server ?? new URL(identity.server), proofs }),
    repository: createHttpRepository({
      ...http,
      repository,
      cookies: async () => (await cookies.get())?.values,
    }),
    web: createHttpWeb({ ...http, dispatcher: options.process.microsoft }),
    openTrust: (rootSha256, fetch) => openTrustedRepository({ folder: join(dataDir, 'trust'), rootSha256, fetch }),
    cookies,
    updateAgent,
    packageRunner,
    files: openFileStore(dataDir),
    documents,
    lock: openApplyLock(join(dataDir, 'apply.lock')),
    clock: systemClock,
    random: Math.random,
    log,
  });
}

interface SimulatedMachine {
  /** Describes the machine (adapters/simulated/host-file.ts). */
  readonly hostFile: string;
}

const simulated = ({ hostFile, log, process }: SimulatedMachine & Pick<AgentOptions, 'log' | 'process'>): UpdateAgent =>
  createSimulatedUpdateAgent({ hostFile, decodeIndex: process.decodeIndex, log });

/**
 * The agent of an enrolled host whose machine is simulated.
 *
 * @throws AgentError `not-enrolled`, `bad-key`, `disk`
 */
export const openSimulatedAgent = (options: AgentOptions & SimulatedMachine): Promise<Agent> =>
  openNodeAgent(options, {
    updateAgent: simulated(options),
    packageRunner: createSimulatedPackageRunner(options),
  });

export interface EnrolOptions extends Pick<AgentOptions, 'process' | 'dataDir' | 'log' | 'timeoutSeconds'> {
  readonly server: URL;
  /** Enrolment token as an operator gave it (shared/contract/agent/enrolment.ts). */
  readonly token: string;
  /** Make another key, also when this machine has one. */
  readonly newKey: boolean;
  readonly signal?: AbortSignal;
}

/** Enrols a simulated machine; see {@link enrol}. */
export async function enrolSimulatedHost(options: EnrolOptions & SimulatedMachine): Promise<Enrolled> {
  const { dataDir, log, server, token, newKey, signal } = options;
  const updateAgent = simulated(options);
  const held = await openApplyLock(join(dataDir, 'apply.lock')).acquire();
  try {
    return await enrol({
      server: server.href,
      token,
      newKey,
      host: { ...(await updateAgent.machine()), agentVersion: readAgentVersion() },
      keys: openKeys(dataDir),
      documents: openDocuments(dataDir, log),
      registration: (key, audience, sequence) =>
        createHttpRegistration({
          ...httpOf(options),
          server,
          proofs: createProofs({
            key,
            audience,
            machineId: async () => (await updateAgent.machine()).machineId,
            sequence,
            clock: systemClock,
          }),
        }),
      ...(signal && { signal }),
    });
  } finally {
    await held.release();
  }
}
