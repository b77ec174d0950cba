import { scanHost } from '#shared/core/catalog/scan.ts';
import { AgentError } from '../../ports/agent-error.ts';
import type { Log } from '../../ports/surroundings.ts';
import type { InstallFile, InstallOutcome, UpdateAgent } from '../../ports/update-agent.ts';
import { Digests } from '../node/digests.ts';
import { isMissing, onDisk } from '../node/disk.ts';
import { readHostFile } from './host-file.ts';
import type { IndexDecoder } from './index-decoder.ts';
import { readMachineState, stateFileOf, writeMachineState } from './machine-state.ts';

export interface SimulatedUpdateAgentOptions {
  /** JSON file of the machine (host-file.ts). It is read anew at each call, so that a machine can change. */
  readonly hostFile: string;
  readonly decodeIndex: IndexDecoder;
  readonly log: Log;
}

/**
 * The Windows Update Agent of a simulated machine: it scans the real index for what the machine declares, and installs by
 * noting the update and its applicable parts as installed, after proving every file.
 */
export function createSimulatedUpdateAgent(options: SimulatedUpdateAgentOptions): UpdateAgent {
  const { hostFile, decodeIndex, log } = options;
  const stateFile = stateFileOf(hostFile);
  const load = () =>
    onDisk(`simulated host ${hostFile}`, async () => ({
      host: await readHostFile(hostFile),
      state: await readMachineState(stateFile, (reason) =>
        log({ level: 'warn', message: `state of the simulated machine was unreadable and is set aside: ${reason}` }),
      ),
    }));
  return {
    machine: async () => (await load()).host.host,

    async scan(index) {
      const { host, state } = await load();
      const catalog = await decodeIndex(index).catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new AgentError('scan-failed', `the index ${index.sha256} cannot be scanned: ${why}`, { cause });
      });
      return scanHost(catalog, { ...host, installed: [...host.installed, ...state.installed] });
    },

    async install(update, files) {
      const { host, state } = await load();
      const lacking = update.files.find((wanted) => !files.some((file) => file.sha1 === wanted.sha1));
      if (lacking !== undefined) return failed('0x80070002', `no file was given for SHA-1 ${lacking.sha1}`);
      for (const file of files) {
        const refused = await onDisk(`cannot read ${file.path}`, () => refuse(file));
        if (refused !== undefined) return refused;
      }
      const failing = host.failing.find((one) => one.updateId === update.updateId);
      const failures = state.failures[update.updateId] ?? 0;
      if (failing !== undefined && (failing.times === undefined || failures < failing.times)) {
        await onDisk(`cannot write ${stateFile}`, () =>
          writeMachineState(stateFile, {
            ...state,
            failures: { ...state.failures, [update.updateId]: failures + 1 },
          }),
        );
        return failed(failing.hresult, failing.message);
      }
      const ids = [update.updateId, ...update.leaves.map((leaf) => leaf.updateId)];
      await onDisk(`cannot write ${stateFile}`, () =>
        writeMachineState(stateFile, { ...state, installed: [...new Set([...state.installed, ...ids])] }),
      );
      return { outcome: 'installed', rebootRequired: update.reboot === 'always' };
    },
  };
}

const failed = (hresult: string, message: string): InstallOutcome => ({ outcome: 'failed', hresult, message });

/** As CopyToCache: a file that is missing or has other bytes is refused before anything changes. */
async function refuse(file: InstallFile): Promise<InstallOutcome | undefined> {
  const digests = new Digests();
  try {
    await digests.readFile(file.path);
  } catch (error) {
    if (isMissing(error)) return failed('0x80070002', `${file.path} is not there`);
    throw error;
  }
  const mismatch = digests.mismatch({ bytes: file.size, sha256: file.sha256, sha1: file.sha1 });
  return mismatch === undefined ? undefined : failed('0x80246002', `${file.path}: ${mismatch}`);
}
