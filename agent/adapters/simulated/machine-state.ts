import { rename } from 'node:fs/promises';
import * as z from 'zod/mini';
import { guid } from '#shared/contract/primitives.ts';
import { readIfThere, writeWhole } from '../node/disk.ts';

/** What happened to a simulated machine since its description was written. */
const machineState = z.object({
  version: z.literal(1),
  /** UpdateIds of units and leaves, in the order of their installation. */
  installed: z.array(guid),
  /** Failed installations so far, by UpdateId. */
  failures: z.record(guid, z.int()),
});
export type MachineState = z.infer<typeof machineState>;

/** Where the state of the machine that `hostFile` describes is kept. */
export const stateFileOf = (hostFile: string): string => `${hostFile.replace(/\.json$/, '')}.installed.json`;

/** State of the machine; an unreadable file is renamed, and the machine is as new. */
export async function readMachineState(path: string, onSetAside: (reason: string) => void): Promise<MachineState> {
  const text = await readIfThere(path);
  const fresh: MachineState = { version: 1, installed: [], failures: {} };
  if (text === undefined) return fresh;
  try {
    return z.parse(machineState, JSON.parse(text));
  } catch (error) {
    await rename(path, `${path}.damaged`);
    onSetAside(`${path}.damaged: ${error instanceof Error ? error.message : String(error)}`);
    return fresh;
  }
}

export const writeMachineState = (path: string, state: MachineState): Promise<void> =>
  writeWhole(path, `${JSON.stringify(state, null, 2)}\n`);
