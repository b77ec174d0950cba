import { AgentError, type AgentErrorCode } from '../ports/agent-error.ts';

/** Failures of a source that the next file would have too: it is not asked any more in this cycle. */
export const meansAway: ReadonlySet<AgentErrorCode> = new Set(['unreachable', 'unavailable', 'timeout', 'refused']);

/** Failures that another source, or the next file, would have too: the rest of the plan waits for the next cycle. */
const endsDownloads: ReadonlySet<AgentErrorCode> = new Set(['disk', 'no-space', 'stopped']);
export const stopsTheRest = (error: AgentError): boolean => endsDownloads.has(error.code);

/** @returns what kept a note from being written; the next look at the machine says how things stand all the same */
export async function noteOrTell(note: () => Promise<void>): Promise<AgentError | undefined> {
  try {
    await note();
    return undefined;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}
