import { applyChanges, type StateChange } from '#shared/core/catalog/applicability/changes.ts';
import type { HostState } from '#shared/core/catalog/applicability/host-state.ts';
import { normalPath } from '#shared/core/catalog/applicability/registry.ts';
import { formatVersion, parseVersion } from '#shared/core/catalog/applicability/version.ts';
import { type DetectionFacts, isDetected } from '#shared/core/packages/detect.ts';
import { commandFor, type Detection, type PackageManifest } from '#shared/core/packages/model.ts';
import type { PackageRunner, RunnableFile, RunOutcome } from '../../ports/package-runner.ts';
import type { Log } from '../../ports/surroundings.ts';
import { Digests } from '../node/digests.ts';
import { isMissing, onDisk } from '../node/disk.ts';
import { readHostFile } from './host-file.ts';
import { type MachineState, readMachineState, stateFileOf, writeMachineState } from './machine-state.ts';

export interface SimulatedPackageRunnerOptions {
  /** JSON file of the machine (host-file.ts). It is read anew at each call. */
  readonly hostFile: string;
  readonly log: Log;
}

/**
 * Packages on a simulated machine: each file is proved by its digest, and a command that ends well changes the state of the
 * machine so that the package's own detection rule holds; where a restart is needed, after that.
 */
export function createSimulatedPackageRunner({ hostFile, log }: SimulatedPackageRunnerOptions): PackageRunner {
  const stateFile = stateFileOf(hostFile);
  const load = () =>
    onDisk(`simulated host ${hostFile}`, async () => {
      const host = await readHostFile(hostFile);
      const machine = await readMachineState(stateFile, (reason) =>
        log({ level: 'warn', message: `state of the simulated machine was unreadable and is set aside: ${reason}` }),
      );
      return { host, machine, state: applyChanges(host.state, machine.changes) };
    });
  const store = (machine: MachineState) =>
    onDisk(`cannot write ${stateFile}`, () => writeMachineState(stateFile, machine));

  return {
    async facts() {
      const { host, machine, state } = await load();
      const { architecture, osVersion } = host.host;
      const language = state.language?.system;
      const { bootedAt } = machine.packages;
      return {
        architecture,
        windows: state.windows?.version ?? osVersion,
        ...(host.edition !== undefined && { edition: host.edition }),
        ...(language !== undefined && { language }),
        ...(bootedAt !== undefined && { bootedAt }),
      };
    },

    async detect(rule) {
      const { host, machine, state } = await load();
      if (rule.kind === 'command') return machine.packages.commands.includes(keyOf(rule));
      return isDetected(rule, factsOf(state, host.host.osVersion));
    },

    async run(manifest, files) {
      const { host, machine } = await load();
      for (const wanted of manifest.files)
        if (!files.some(({ name }) => name === wanted.name))
          return { outcome: 'not-started', reason: `no file was given for ${wanted.name}` };
      for (const file of files) {
        const refused = await onDisk(`cannot read ${file.path}`, () => refuse(file));
        if (refused !== undefined) return refused;
      }
      const { program, arguments: given } = commandFor(
        manifest.command,
        'C:\\kbroker',
        (name) => `C:\\kbroker\\${name}`,
      );
      log({ level: 'debug', message: `runs ${[program, ...given].join(' ')}` });
      const ending = host.packages.find(({ name }) => name === manifest.name);
      const failures = machine.packages.failures[manifest.name] ?? 0;
      if (ending !== undefined && (ending.times === undefined || failures < ending.times)) {
        const counted = { ...machine.packages.failures, [manifest.name]: failures + 1 };
        await store({ ...machine, packages: { ...machine.packages, failures: counted } });
        return ending.exitCode === 'timeout'
          ? { outcome: 'timed-out' }
          : { outcome: 'ended', exitCode: ending.exitCode };
      }
      const { exitCodes, reboot } = manifest;
      const restarts = reboot === 'always' && exitCodes.restart.length > 0;
      await store(after(machine, manifest, restarts));
      return { outcome: 'ended', exitCode: (restarts ? exitCodes.restart[0] : exitCodes.success[0]) ?? 0 };
    },
  };
}

/** The machine after a command that ended well. */
function after(machine: MachineState, { detection }: PackageManifest, restarts: boolean): MachineState {
  const { packages } = machine;
  const changes = changesOf(detection);
  const commands = detection.kind === 'command' ? [keyOf(detection)] : [];
  if (restarts) {
    const atRestart = [...packages.atRestart, ...changes];
    const commandsAtRestart = [...packages.commandsAtRestart, ...commands];
    return { ...machine, packages: { ...packages, atRestart, commandsAtRestart } };
  }
  const succeed = [...packages.commands, ...commands];
  return { ...machine, changes: [...machine.changes, ...changes], packages: { ...packages, commands: succeed } };
}

/** Restarts a simulated machine: what waited for it happens. @param at of the restart */
export async function restartSimulatedMachine(hostFile: string, at: Date): Promise<void> {
  const stateFile = stateFileOf(hostFile);
  const machine = await readMachineState(stateFile, () => undefined);
  const { packages } = machine;
  await writeMachineState(stateFile, {
    ...machine,
    changes: [...machine.changes, ...packages.atRestart],
    packages: {
      ...packages,
      commands: [...packages.commands, ...packages.commandsAtRestart],
      atRestart: [],
      commandsAtRestart: [],
      bootedAt: at.toISOString(),
    },
  });
}

const keyOf = (rule: Detection): string => JSON.stringify(rule);

/** What makes a rule hold. */
function changesOf(rule: Detection): readonly StateChange[] {
  switch (rule.kind) {
    case 'hotfix':
      return [{ kind: 'cbs-package', identity: `Package_for_KB${rule.kb}~31bf3856ad364e35~amd64~~1.0.0.0` }];
    case 'registry': {
      const value = { type: 'REG_SZ' as const, data: rule.equals ?? rule.atLeast ?? '' };
      return [{ kind: 'registry-value', key: rule.key, name: rule.name, value }];
    }
    case 'file':
      return [{ kind: 'file', path: rule.path, ...(rule.atLeast !== undefined && { version: whole(rule.atLeast) }) }];
    case 'windows':
      return [{ kind: 'windows', version: whole(rule.atLeast) }];
    case 'command':
      return [];
  }
}

const whole = (version: string): string => formatVersion(parseVersion(version) ?? [0, 0, 0, 0]);

function factsOf(state: HostState, osVersion: string): DetectionFacts {
  const { registry, files, cbs, windows } = state;
  return {
    windows: windows?.version ?? osVersion,
    hotfix: (kb) => cbs?.packages.some((identity) => identity.startsWith(`Package_for_KB${kb}~`)) ?? false,
    registry(key, name) {
      const found = Object.entries(registry?.keys ?? {}).find(([path]) => normalPath(path) === normalPath(key));
      const value = Object.entries(found?.[1] ?? {}).find(([each]) => each.toLowerCase() === name.toLowerCase());
      return value === undefined ? undefined : String(value[1].data);
    },
    file(path) {
      const found = Object.entries(files?.files ?? {}).find(([each]) => normalPath(each) === normalPath(path));
      return found === undefined ? undefined : (found[1].version ?? '');
    },
  };
}

async function refuse(file: RunnableFile): Promise<RunOutcome | undefined> {
  const digests = new Digests();
  try {
    await digests.readFile(file.path);
  } catch (error) {
    if (isMissing(error)) return { outcome: 'not-started', reason: `${file.path} is not there` };
    throw error;
  }
  const mismatch = digests.mismatch({ bytes: file.size, sha256: file.sha256 });
  return mismatch === undefined ? undefined : { outcome: 'not-started', reason: `${file.path}: ${mismatch}` };
}
