import { applyChanges, changesToInstall, type StateChange } from '#shared/core/catalog/applicability/changes.ts';
import type { HostState } from '#shared/core/catalog/applicability/host-state.ts';
import type { UpdateIdentity } from '#shared/core/catalog/model.ts';
import { type NeededUpdate, type ScanUnknowns, scanHost } from '#shared/core/catalog/scan.ts';
import { AgentError } from '../../ports/agent-error.ts';
import type { Log } from '../../ports/surroundings.ts';
import type { IndexFile, InstallFile, InstallOutcome, UpdateAgent } from '../../ports/update-agent.ts';
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
 * The Windows Update Agent of a simulated machine: it evaluates the rules of the real index on the state that the machine
 * describes, and installs by changing that state so that the update's own rule finds it installed, after proving every
 * file.
 */
export function createSimulatedUpdateAgent(options: SimulatedUpdateAgentOptions): UpdateAgent {
  const { hostFile, decodeIndex, log } = options;
  const stateFile = stateFileOf(hostFile);
  /** What was scanned last: its rules say what an installation changes. */
  let scanned: IndexFile | undefined;
  const load = () =>
    onDisk(`simulated host ${hostFile}`, async () => {
      const host = await readHostFile(hostFile);
      const machine = await readMachineState(stateFile, (reason) =>
        log({ level: 'warn', message: `state of the simulated machine was unreadable and is set aside: ${reason}` }),
      );
      return { host, machine, state: applyChanges(host.state, machine.changes) };
    });
  const decode = (index: IndexFile) =>
    decodeIndex(index).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new AgentError('scan-failed', `the index ${index.sha256} cannot be scanned: ${why}`, { cause });
    });

  async function changesOf(update: NeededUpdate, state: HostState): Promise<readonly StateChange[]> {
    const parts = update.leaves.length === 0 ? [update] : update.leaves;
    if (scanned === undefined) return parts.map(noted);
    const { catalog, rules } = await decode(scanned);
    const revisions = new Map(parts.map((part) => [keyOf(part), part]));
    const changes: StateChange[] = [];
    for (const known of catalog.updates.values()) {
      if (revisions.size === 0) break;
      const part = revisions.get(keyOf(known));
      if (part === undefined) continue;
      const after = applyChanges(state, changes);
      changes.push(...changesToInstall(part.updateId, rules.get(known.revisionId) ?? {}, after));
      revisions.delete(keyOf(part));
    }
    return [...changes, ...[...revisions.values()].map(noted)];
  }

  return {
    async machine() {
      const { host, state } = await load();
      // Updates raise the version of Windows.
      return { ...host.host, osVersion: state.windows?.version ?? host.host.osVersion };
    },

    async scan(index) {
      const { state } = await load();
      const { catalog, rules } = await decode(index);
      scanned = index;
      const scan = scanHost(catalog, rules, state);
      if (scan.unknown !== undefined && scan.unknown.updates > 0) {
        log({ level: 'info', message: unknownText(scan.unknown) });
      }
      return scan;
    },

    async install(update, files) {
      const { host, machine, state } = await load();
      const lacking = update.files.find((wanted) => !files.some((file) => file.sha1 === wanted.sha1));
      if (lacking !== undefined) return failed('0x80070002', `no file was given for SHA-1 ${lacking.sha1}`);
      for (const file of files) {
        const refused = await onDisk(`cannot read ${file.path}`, () => refuse(file));
        if (refused !== undefined) return refused;
      }
      const failing = host.failing.find((one) => one.updateId === update.updateId);
      const failures = machine.failures[update.updateId] ?? 0;
      if (failing !== undefined && (failing.times === undefined || failures < failing.times)) {
        await onDisk(`cannot write ${stateFile}`, () =>
          writeMachineState(stateFile, {
            ...machine,
            failures: { ...machine.failures, [update.updateId]: failures + 1 },
          }),
        );
        return failed(failing.hresult, failing.message);
      }
      const changes = await changesOf(update, state);
      await onDisk(`cannot write ${stateFile}`, () =>
        writeMachineState(stateFile, { ...machine, changes: [...machine.changes, ...changes] }),
      );
      return { outcome: 'installed', rebootRequired: update.reboot === 'always' };
    },
  };
}

const keyOf = ({ updateId, revision }: UpdateIdentity): string => `${updateId} ${revision}`;

const noted = ({ updateId }: UpdateIdentity): StateChange => ({ kind: 'installed-update', updateId });

/** For people: what kept how many verdicts open. */
const unknownText = ({ updates, operators }: ScanUnknowns): string =>
  `of ${updates} updates it is not known whether the machine needs them: ` +
  operators.map((one) => `${one.operator} (${one.updates}, for instance ${one.examples[0]})`).join('; ');

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
