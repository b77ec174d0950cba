import {
  type Agent,
  type CycleResult,
  cookieHeader,
  enrolSimulatedHost,
  openAgentProcess,
  openDocuments,
  openSimulatedAgent,
  readIdentity,
  runCycle,
  runLoop,
} from '#agent/main.ts';
import type { Log } from '#agent/ports/surroundings.ts';
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
  /** Enrolment token, spent by hosts that are new; those of an earlier life keep their enrolment and their key. */
  readonly token: string;
  /** Whose signature an index must have. Default: Microsoft's. */
  readonly indexTrust?: Pick<IndexTrust, 'rootsPem' | 'allowSha1'>;
  /** Cycles that run at the same time. Default 6. */
  readonly concurrency?: number;
  /** Divides the agents' intervals. Default 1. */
  readonly speed?: number;
  /** What agents have to say at level warn and error. */
  readonly log?: (machineId: string, message: string) => void;
  /** Hears of each cycle, also of those that only checked in. */
  readonly onCycle?: (host: FleetHost, result: CycleResult) => void;
}

/** Simulated hosts with the real agent, in one process: each index is decoded once for all of them. */
export interface Fleet {
  readonly hosts: readonly FleetHost[];
  /** One cycle of every host. */
  round(): Promise<readonly { readonly host: FleetHost; readonly result: CycleResult }[]>;
  /** Every host goes round on the agent's own schedule until the signal says stop. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * What opens the repository to a host of this fleet: the value of the header Cookie, empty when the broker gives none.
   *
   * @throws Error when the broker cannot be asked
   */
  repositoryCookies(): Promise<string>;
  close(): Promise<void>;
}

/** A fleet on one machine checks in no more often than this, per host, also while the broker expects news. Seconds. */
const atLeastBetweenPolls = 5;
/** Cookies that end sooner are of no use to somebody who has yet to begin. Milliseconds. */
const soon = 60_000;

/** The agent's schedule, shortened by the speed; no host comes more often than every two seconds. */
function scheduleAt(speed: number) {
  const seconds = (usual: number, atLeast: number): number => Math.max(atLeast, usual / speed);
  return {
    intervalSeconds: seconds(2 * 3600, 2),
    poll: { minSeconds: atLeastBetweenPolls, speed },
    firstWithinSeconds: 600 / speed,
    backOffSeconds: seconds(60, 1),
    maxBackOffSeconds: seconds(3600, 2),
  };
}

interface Member {
  readonly host: FleetHost;
  readonly agent: Agent;
}

/** Makes the hosts that are missing, enrols those that are new, and opens their agents. */
export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const hosts = await populate(options.folder, options.seed, options.hosts);
  const shared = openAgentProcess();
  const indexTrust = options.indexTrust && {
    roots: parseRoots(options.indexTrust.rootsPem),
    allowSha1: options.indexTrust.allowSha1,
  };
  const gate = createGate(options.concurrency ?? 6);
  const open = async (host: FleetHost): Promise<Member> => {
    const log: Log = ({ level, message }) => {
      if (level === 'warn' || level === 'error') options.log?.(host.machineId, message);
    };
    const { dataDir, hostFile } = host;
    const { server, repository, token } = options;
    const common = { process: shared, dataDir, hostFile, log };
    await gate.enter();
    try {
      if ((await readIdentity(openDocuments(dataDir, log))) === undefined) {
        await enrolSimulatedHost({ ...common, server, token, newKey: false });
      }
    } finally {
      gate.leave();
    }
    const agent = await openSimulatedAgent({
      ...common,
      server,
      repository,
      settings: { schedule: scheduleAt(options.speed ?? 1), ...(indexTrust && { indexTrust }) },
    });
    return { host, agent: { ...agent, adapters: { ...agent.adapters, lock: gated(agent.adapters.lock, gate) } } };
  };
  const members = await Promise.all(hosts.map(open)).catch(async (error: unknown) => {
    await shared.close();
    throw error;
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
    async repositoryCookies() {
      const [member] = members;
      if (member === undefined) return '';
      const { cookies } = member.agent.adapters;
      const held = await cookies.get();
      if (held === undefined || Date.parse(held.expiresAt) < Date.now() + soon) {
        const { problems } = await runCycle(member.agent, { phases: ['check-in'], heedCommands: false });
        const [problem] = problems;
        if (problem) throw new Error(`${member.host.machineId} cannot check in: ${problem.message}`);
      }
      return cookieHeader((await cookies.get())?.values ?? {});
    },
    close: () => shared.close(),
  };
}
