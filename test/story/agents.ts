import { type CycleResult, enrolSimulatedHost, openAgentProcess, openSimulatedAgent, runCycle } from '#agent/main.ts';
import { type FleetHost, populate } from '#local/fleet/hosts.ts';
import { parseRoots } from '#shared/authenticode/index.ts';
import { type World, worldSeed } from './world.ts';

/** A simulated machine with the real agent, enrolled in a group. */
export interface StoryAgent {
  readonly host: FleetHost;
  readonly group: string;
  /** One full cycle, as its timer would start it. @throws Error when a phase had a problem */
  cycle(): Promise<CycleResult>;
}

/** The agents of a story, in one process: each index is decoded once for all of them. */
export interface StoryAgents {
  /**
   * Enrols a machine of this kind; again, and it speaks to the broker as it is now.
   *
   * @param profile key of a profile of local/fleet
   */
  enrol(world: World, profile: string, group: string): Promise<StoryAgent>;
  close(): Promise<void>;
}

/** @param folder where the machines live */
export async function storyAgents(folder: string): Promise<StoryAgents> {
  const shared = openAgentProcess();
  // One of each kind.
  const hosts = await populate(folder, worldSeed, 9);
  return {
    async enrol(world, profile, group) {
      const { indexTrust } = world.microsoft.addresses;
      const settings = { indexTrust: { roots: parseRoots(indexTrust.rootsPem), allowSha1: indexTrust.allowSha1 } };
      const host = hosts.find((one) => one.profile.key === profile);
      if (host === undefined) throw new Error(`no host is a ${profile}`);
      const { dataDir, hostFile } = host;
      const common = { process: shared, dataDir, hostFile, log: () => {} };
      const server = new URL(world.output('ApiUrl'));
      await enrolSimulatedHost({ ...common, server, token: await world.enrolmentToken(group), newKey: false });
      return {
        host,
        group,
        async cycle() {
          const result = await runCycle(await openSimulatedAgent({ ...common, settings }));
          if (result.problems.length > 0) throw new Error(`${host.machineId}: ${JSON.stringify(result.problems)}`);
          return result;
        },
      };
    },
    close: () => shared.close(),
  };
}
