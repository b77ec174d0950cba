import {
  type Agent,
  type CycleResult,
  createSimulatedAgent,
  openAgentProcess,
  runCycle,
  runLoop,
} from '#agent/main.ts';
import { parseRoots } from '#shared/authenticode/index.ts';
import type { IndexTrust } from '../types.ts';
import { createGate, gated } from './gate.ts';
import { type FleetHost, populate } from './hosts.ts';

export interface FleetOptions {
  /** One folder per host; a restart goes on with the machines as they were left. */
  readonly folder: string;
  readonly seed: number;
  readonly hosts: number;
  /** Address of the broker's API. */
  readonly server: URL;
  /** Address of the repository. */
  readonly repository: URL;
  /** The bearer secret that agents share. */
  readonly secret: string;
  /** Whose signature an index must have. Default: Microsoft's. */
  readonly indexTrust?: IndexTrust;
  /** Cycles that run at the same time. Default 6. */
  readonly concurrency?: number;
  /** Divides the agents' intervals. Default 1. */
  readonly speed?: number;
  /** What agents have to say at level warn and error. */
  readonly log?: (machineId: string, message: string) => void;
  readonly onCycle?: (host: FleetHost, result: CycleResult) => void;
}

/** Simulated hosts with the real agent, in one process: each index is decoded once for all of them. */
export interface Fleet {
  readonly hosts: readonly FleetHost[];
  /** One cycle of every host. */
  round(): Promise<readonly { readonly host: FleetHost; readonly result: CycleResult }[]>;
  /** Every host goes round on the agent's own schedule until the signal says stop. */
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The agent's schedule, shortened by the speed; no host comes more often than every two seconds. */
function scheduleAt(speed: number) {
  const seconds = (usual: number, atLeast: number): number => Math.max(atLeast, usual / speed);
  return {
    intervalSeconds: seconds(2 * 3600, 2),
    firstWithinSeconds: 600 / speed,
    backOffSeconds: seconds(60, 1),
    maxBackOffSeconds: seconds(3600, 2),
  };
}

export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const hosts = await populate(options.folder, options.seed, options.hosts);
  const shared = openAgentProcess();
  const indexTrust = options.indexTrust && {
    roots: parseRoots(options.indexTrust.rootsPem),
    allowSha1: options.indexTrust.allowSha1,
  };
  const gate = createGate(options.concurrency ?? 6);
  const members = hosts.map((host): { host: FleetHost; agent: Agent } => {
    const agent = createSimulatedAgent({
      process: shared,
      server: options.server,
      repository: options.repository,
      secret: options.secret,
      dataDir: host.dataDir,
      hostFile: host.hostFile,
      log: ({ level, message }) => {
        if (level === 'warn' || level === 'error') options.log?.(host.machineId, message);
      },
      settings: { schedule: scheduleAt(options.speed ?? 1), ...(indexTrust && { indexTrust }) },
    });
    return { host, agent: { ...agent, adapters: { ...agent.adapters, lock: gated(agent.adapters.lock, gate) } } };
  });
  return {
    hosts,
    round: () =>
      Promise.all(
        members.map(async ({ host, agent }) => {
          const result = await runCycle(agent);
          options.onCycle?.(host, result);
          return { host, result };
        }),
      ),
    async run(signal) {
      await Promise.all(
        members.map(({ host, agent }) =>
          runLoop(agent, { signal, onCycle: (result) => options.onCycle?.(host, result) }),
        ),
      );
    },
    close: () => shared.close(),
  };
}
