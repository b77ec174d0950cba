/**
 * Where an update stands on a host, in the words WAPT's users know (windows-updates.md, section 1).
 *
 * - `OK`: installed.
 * - `PENDING`: wanted, and all its files are in the repository.
 * - `MISSING`: wanted, and the repository lacks at least one of its files.
 * - `DISCARDED`: needed by the host, but a rule forbids it or none allows it.
 * - `ERROR`: download or installation failed on the host.
 * - `SUPERSEDED`: an allowed update that is newer replaces it.
 */
export const updateStates = ['OK', 'PENDING', 'MISSING', 'DISCARDED', 'ERROR', 'SUPERSEDED'] as const;
export type UpdateState = (typeof updateStates)[number];

/** `UNKNOWN`: enrolled, and has not reported yet. */
export const hostStates = ['OK', 'PENDING_UPDATES', 'ERROR', 'UNKNOWN'] as const;
export type HostState = (typeof hostStates)[number];

/**
 * A host is in error when it cannot use the index or one of its updates is in error, else pending when something is still
 * to be done, else OK.
 *
 * @param indexProblem why it cannot use the index that the repository offers
 */
export function hostStateOf(states: Iterable<UpdateState>, indexProblem?: string): Exclude<HostState, 'UNKNOWN'> {
  if (indexProblem !== undefined) return 'ERROR';
  let pending = false;
  for (const state of states) {
    if (state === 'ERROR') return 'ERROR';
    if (state === 'PENDING' || state === 'MISSING') pending = true;
  }
  return pending ? 'PENDING_UPDATES' : 'OK';
}
