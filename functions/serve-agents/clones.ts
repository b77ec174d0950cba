import type { HostRecord } from '#shared/contract/host-records.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { EventSink } from '#shared/stores/events/port.ts';
import type { HostStore } from '#shared/stores/hosts/port.ts';
import { inTurn } from './turn.ts';

interface ClonePorts {
  readonly hosts: Pick<HostStore, 'noteClone'>;
  readonly events: EventSink;
}

/** Notes that another machine used a host's key, and tells of it the first time. @returns the refusal */
export async function noteClone(
  { hosts, events }: ClonePorts,
  { owner, clone, at }: { readonly owner: HostRecord; readonly clone: string; readonly at: string },
): Promise<ProblemError> {
  const { machineId, clones = [] } = owner;
  // The row was just read: a clone that knocks again costs no write.
  const known = clones.some((one) => one.machineId === clone);
  if (!known && (await inTurn(hosts.noteClone(machineId, { machineId: clone, at }))))
    await tellOfClone(events, { machineId, clone, at });
  return clonedProblem(machineId, clone);
}

export const tellOfClone = (
  events: EventSink,
  { machineId, clone, at }: { readonly machineId: string; readonly clone: string; readonly at: string },
): Promise<void> => events.publish('HostCloned', { version: 1, machineId, cloneMachineId: clone, at });

export const clonedProblem = (owner: string, clone: string): ProblemError =>
  new ProblemError(
    'cloned',
    `this key belongs to ${owner}, not to ${clone}: a disk image was copied after its enrolment; enrol ${clone} anew`,
  );
