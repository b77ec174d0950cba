import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SimulatedHost } from '#agent/adapters/simulated/host-file.ts';
import { updateIdOf } from '../upstream/invent/publication.ts';
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
      if (!(await exists(hostFile))) {
        await writeFile(`${hostFile}.new`, `${JSON.stringify(describe(seed, machineId, profile), null, 2)}\n`);
        await rename(`${hostFile}.new`, hostFile);
      }
      return { machineId, profile, hostFile, dataDir: join(home, 'agent') };
    }),
  );
}

function describe(seed: number, machineId: string, profile: Profile): SimulatedHost {
  return {
    version: 1,
    host: {
      machineId,
      hostname: machineId.toUpperCase(),
      os: profile.os,
      osVersion: profile.osVersion,
      architecture: profile.architecture,
    },
    detectoids: [...profile.detectoids],
    cbsPackages: profile.cbsPackages.map((each) => ({ ...each, architecture: profile.architecture })),
    installed: installedBefore(seed, machineId, profile),
    failing: [],
  };
}

/**
 * Units that were installed on the machine before the first publication: all of its product line up to some month, or
 * none on a machine that was never patched.
 */
function installedBefore(seed: number, machineId: string, profile: Profile): string[] {
  const until = inventionOf(seed).int(`patched ${machineId}`, originMonth - 1, firstMonth - 1);
  const installed: string[] = [];
  for (let month = originMonth; month <= until; month += 1) {
    for (const unit of unitsOf(seed, month)) {
      if (unit.lines.includes(profile.key)) installed.push(updateIdOf(seed, unit.key));
    }
  }
  return installed;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
