import { rename } from 'node:fs/promises';
import * as z from 'zod/mini';
import { guid } from '#shared/contract/primitives.ts';
import type { StateChange } from '#shared/core/catalog/applicability/changes.ts';
import { readIfThere, writeWhole } from '../node/disk.ts';
import { packageIdentity, registryData } from './host-state.ts';

const change: z.ZodMiniType<StateChange> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('cbs-package'), identity: packageIdentity }),
  z.object({ kind: z.literal('product-release'), name: z.string(), version: z.string() }),
  z.object({ kind: z.literal('registry-value'), key: z.string(), name: z.string(), value: registryData }),
  z.object({ kind: z.literal('msi-patch'), product: guid, patch: guid }),
  z.object({ kind: z.literal('installed-update'), updateId: guid }),
  z.object({ kind: z.literal('file'), path: z.string(), version: z.exactOptional(z.string()) }),
  z.object({ kind: z.literal('windows'), version: z.string() }),
]);

const failures = z.record(guid, z.int());
const noPackages = { failures: {}, commands: [], atRestart: [], commandsAtRestart: [] };

/** What happened to a simulated machine since its description was written. */
const machineState = z.object({
  version: z.literal(2),
  /** What installations changed, in their order. */
  changes: z.array(change),
  /** Failed installations so far, by UpdateId. */
  failures,
  /** What packages did. Absent in what older agents wrote. */
  packages: z._default(
    z.object({
      /** Failed runs so far, by name. */
      failures: z.record(z.string(), z.int()),
      /** Commands of detection rules that succeed now, as JSON. */
      commands: z.array(z.string()),
      /** What the next restart brings. */
      atRestart: z.array(change),
      commandsAtRestart: z.array(z.string()),
      /** When the machine was restarted last, ISO 8601. */
      bootedAt: z.exactOptional(z.string()),
    }),
    noPackages,
  ),
});
export type MachineState = z.infer<typeof machineState>;

/** Version 1 listed UpdateIds of what was installed; they are kept as noted. */
const stored = z.union([
  machineState,
  z.pipe(
    z.object({ version: z.literal(1), installed: z.array(guid), failures }),
    z.transform(
      ({ installed, failures }): MachineState => ({
        version: 2,
        changes: installed.map((updateId) => ({ kind: 'installed-update', updateId })),
        failures,
        packages: noPackages,
      }),
    ),
  ),
]);

/** Where the state of the machine that `hostFile` describes is kept. */
export const stateFileOf = (hostFile: string): string => `${hostFile.replace(/\.json$/, '')}.installed.json`;

/** State of the machine; an unreadable file is renamed, and the machine is as new. */
export async function readMachineState(path: string, onSetAside: (reason: string) => void): Promise<MachineState> {
  const text = await readIfThere(path);
  const fresh: MachineState = { version: 2, changes: [], failures: {}, packages: noPackages };
  if (text === undefined) return fresh;
  try {
    return z.parse(stored, JSON.parse(text));
  } catch (error) {
    await rename(path, `${path}.damaged`);
    onSetAside(`${path}.damaged: ${error instanceof Error ? error.message : String(error)}`);
    return fresh;
  }
}

export const writeMachineState = (path: string, state: MachineState): Promise<void> =>
  writeWhole(path, `${JSON.stringify(state, null, 2)}\n`);
