import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { FileStatus } from '#shared/contract/agent/files.ts';
import { AgentError } from '../../ports/agent-error.ts';
import type { Broker, Registration } from '../../ports/broker.ts';
import { callSigned, type SignedCallOptions } from './signed-calls.ts';

/** Bound of one lookup in the contract (shared/contract/agent/files.ts). */
const maxDigestsPerLookup = 1000;
/** The same (shared/contract/rules.ts). */
const maxUpdatesPerLookup = 500;

/** The broker's API over HTTP, typed by the endpoint table; each request is signed with the host's key. */
export const createHttpBroker = (options: SignedCallOptions): Broker => ({
  checkIn: (said, signal) => callSigned(options, agentEndpoints.checkIn, said, signal),
  async lookupFiles(sha1s, signal) {
    const found: FileStatus[] = [];
    for (let from = 0; from < sha1s.length; from += maxDigestsPerLookup) {
      const some = sha1s.slice(from, from + maxDigestsPerLookup);
      const answer = await callSigned(options, agentEndpoints.lookupFiles, { version: 1, sha1s: some }, signal);
      const bySha1 = new Map(answer.files.map((file) => [file.sha1, file]));
      for (const sha1 of some) {
        const status = bySha1.get(sha1);
        if (status === undefined) {
          throw new AgentError('bad-answer', `the broker did not answer about the file with SHA-1 ${sha1}`);
        }
        found.push(status);
      }
    }
    return found;
  },
  async lookupUpdates(updateIds, signal) {
    const found = new Map<string, string>();
    for (let from = 0; from < updateIds.length; from += maxUpdatesPerLookup) {
      const some = updateIds.slice(from, from + maxUpdatesPerLookup);
      const { updates } = await callSigned(
        options,
        agentEndpoints.lookupUpdates,
        { version: 1, updateIds: some },
        signal,
      );
      const asked = new Set(some);
      for (const { updateId, firstPublishedAt } of updates) {
        if (!asked.has(updateId)) {
          throw new AgentError(
            'bad-answer',
            `the broker answered about the update ${updateId}, which was not asked for`,
          );
        }
        found.set(updateId, firstPublishedAt);
      }
    }
    return found;
  },
  postReport: (message, signal) => callSigned(options, agentEndpoints.postReport, message, signal),
});

/** Enrolment over HTTP; the request is signed with the key that is to be enrolled. */
export const createHttpRegistration = (options: SignedCallOptions): Registration => ({
  async enrol(enrolment, signal) {
    try {
      return await callSigned(options, agentEndpoints.enrol, enrolment, signal);
    } catch (error) {
      if (!(error instanceof AgentError) || error.problem !== 'conflict') throw error;
      throw new AgentError('taken', error.message, { cause: error });
    }
  },
});
