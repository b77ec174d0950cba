import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { SimulatedHost } from '#agent/adapters/simulated/host-file.ts';
import { applyChanges, type StateChange } from '#shared/core/catalog/applicability/changes.ts';
import { inventionOf } from '../upstream/invent/random.ts';
import { unitsOf } from '../upstream/invent/series.ts';
import { firstMonth, originMonth } from '../upstream/invent/world.ts';
import { type Profile, profiles } from './profiles.ts';

/** One simulated machine and its place on the disk. */
export interface FleetHost {
  readonly machineId: string;
  readonly profile: Profile;
  /** Description of the machine; what it installs is noted beside it. */
  readonly hostFile: string;
  /** Data folder of its agent. */
  readonly dataDir: string;
}

/**
 * The first `count` hosts of this fleet. Machines that are new get a description: a profile in turn, and by the seed how
 * far they were patched before they met the broker. Machines that are there keep theirs, with all that happened to them.
 */
export async function populate(folder: string, seed: number, count: number): Promise<FleetHost[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const profile = profiles[index % profiles.length];
      if (profile === undefined) throw new RangeError('there are no profiles');
      const machineId = `${profile.prefix}-${String(index + 1).padStart(4, '0')}`;
      const home = join(folder, machineId);
      const hostFile = join(home, 'machine.json');
      await mkdir(home, { recursive: true });
      if (!(await isDescribed(hostFile))) {
        await writeFile(`${hostFile}.new`, `${JSON.stringify(describe(seed, machineId, profile), null, 2)}\n`);
        await rename(`${hostFile}.new`, hostFile);
      }
      return { machineId, profile, hostFile, dataDir: join(home, 'agent') };
    }),
  );
}

function describe(seed: number, machineId: string, profile: Profile): SimulatedHost {
  const state = applyChanges(profile.state, installedBefore(seed, machineId, profile));
  return {
    version: 2,
    host: {
      machineId,
      hostname: machineId.toUpperCase(),
      os: profile.os,
      osVersion: state.windows?.version ?? profile.osVersion,
      architecture: profile.architecture,
    },
    state,
    failing: [],
    packages: [],
  };
}

/**
 * What was installed on the machine before the first publication: all of its product line up to some month, or nothing on
 * a machine that was never patched.
 */
function installedBefore(seed: number, machineId: string, profile: Profile): StateChange[] {
  const until = inventionOf(seed).int(`patched ${machineId}`, originMonth - 1, firstMonth - 1);
  const changes: StateChange[] = [];
  for (let month = originMonth; month <= until; month += 1) {
    for (const unit of unitsOf(seed, month)) {
      if (unit.lines.includes(profile.key)) changes.push(...unit.payload.installs);
    }
  }
  return changes;
}

/** Whether there is a description that the agent still reads; one of version 1 is set aside, and a new one takes its place. */
async function isDescribed(hostFile: string): Promise<boolean> {
  if (!(await exists(hostFile))) return false;
  const { version } = z.parse(z.object({ version: z.number() }), JSON.parse(await readFile(hostFile, 'utf8')));
  if (version !== 1) return true;
  await rename(hostFile, `${hostFile}.v1`);
  return false;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
