/** When a file leaves the repository: no host needs it for a grace period, then it is retired, then its bytes go. */

/** What is known of a file in the repository. Times are milliseconds since 1970. */
export type FileStanding =
  /** `unneededSince`: no run of the cleaning found it needed since then. */
  | { readonly state: 'held'; readonly unneededSince?: number }
  /** Not offered any more. With `removing` its bytes may be gone already. */
  | { readonly state: 'retired'; readonly retiredAt: number; readonly removing: boolean };

/**
 * - `keep`: needed, and nothing is noted of it.
 * - `clear`: needed again; the note that nobody needs it goes.
 * - `mark`: not needed for the first time; from now on its grace counts.
 * - `wait`: its grace is not over.
 * - `retire`: from now on nobody is told that it is held.
 * - `pause`: retired, and hosts that heard before that it is held may still be downloading it.
 * - `restore`: retired, and needed again while its bytes are there.
 * - `remove`: its bytes go.
 */
export type CleaningStep = 'keep' | 'clear' | 'mark' | 'wait' | 'retire' | 'pause' | 'restore' | 'remove';

export interface CleaningTimes {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How long a file that nobody needs stays held. Milliseconds. */
  readonly grace: number;
  /** How long the bytes of a retired file stay. Milliseconds. */
  readonly pause: number;
}

/**
 * Whoever removes bytes writes down that it does, and is done or dead so long after: a function runs 15 minutes at most.
 * Only then may somebody else bring the file again. Milliseconds.
 */
export const removalLease = 3_600_000;

/** What is to be done with a file. Twice the same answer is harmless, and a step that was missed is the next run's. */
export function stepOf(file: FileStanding, needed: boolean, { now, grace, pause }: CleaningTimes): CleaningStep {
  if (file.state === 'retired') {
    // Begun removals end, needed or not: nobody knows whether the bytes are there.
    if (file.removing) return 'remove';
    if (needed) return 'restore';
    return now - file.retiredAt >= pause ? 'remove' : 'pause';
  }
  if (needed) return file.unneededSince === undefined ? 'keep' : 'clear';
  if (now - (file.unneededSince ?? now) >= grace) return 'retire';
  return file.unneededSince === undefined ? 'mark' : 'wait';
}

/** What the cleaning knows of who needs files. */
export interface KnownNeeds {
  /** The moment that the snapshot of the fleet stands for; 0 when there is none. Milliseconds since 1970. */
  readonly asOf: number;
  /** Hosts whose needs count. */
  readonly hosts: number;
  /** Hosts that reported and whose report the snapshot lacks. */
  readonly hostsUnknown: number;
  /** `hosts` at the last run that cleaned; absent before the first. */
  readonly hostsBefore: number | undefined;
  /** Rows of hosts that do not parse, as `machine id/item`. */
  readonly unreadableHosts: readonly string[];
  /** Needed updates whose files are not known: their facts do not parse, or their list of files was cut. */
  readonly unknownUpdates: readonly string[];
}

/** Age of the snapshot from which on it says too little of what hosts need now. Milliseconds. */
const maxSnapshotAge = 3_600_000;

const some = (names: readonly string[]): string => {
  const more = names.length > 5 ? `, and ${names.length - 5} more` : '';
  return `${names.slice(0, 5).join(', ')}${more}`;
};

/**
 * Why nothing may be cleaned, in words; `undefined` when it may. What is not known counts as needed: a file that is taken away
 * by mistake costs each host that needs it a day.
 *
 * @param fewerHosts a person knows that hosts are gone
 */
export function whyNotClean(needs: KnownNeeds, now: number, fewerHosts: boolean): string | undefined {
  const { asOf, hosts, hostsUnknown, hostsBefore, unreadableHosts, unknownUpdates } = needs;
  if (asOf === 0) return 'there is no snapshot of the fleet yet';
  if (now - asOf > maxSnapshotAge)
    return `the snapshot of the fleet is of ${new Date(asOf).toISOString()}, older than ${maxSnapshotAge / 60_000} minutes`;
  if (unreadableHosts.length > 0)
    return `what hosts need is not known: rows of the table of hosts do not parse (${some(unreadableHosts)})`;
  if (hostsUnknown > 0)
    return `what ${hostsUnknown} of ${hosts} hosts need is not in the snapshot of the fleet: it must be made anew`;
  if (unknownUpdates.length > 0)
    return `which files hosts need is not known: facts of updates are unreadable or cut (${some(unknownUpdates)})`;
  if (fewerHosts) return undefined;
  if (hosts === 0) return 'the snapshot of the fleet has no host that counts; --fewer-hosts cleans all the same';
  if (hostsBefore !== undefined && hosts * 2 < hostsBefore)
    return `the fleet shrank from ${hostsBefore} hosts to ${hosts} since the last cleaning; --fewer-hosts cleans all the same`;
  return undefined;
}
