import type { CheckIn, CheckInAnswer } from '#shared/contract/agent/check-in.ts';
import type { Enrolment, EnrolmentAnswer } from '#shared/contract/agent/enrolment.ts';
import type { FileStatus } from '#shared/contract/agent/files.ts';
import type { ReportAnswer, ReportMessage } from '#shared/contract/agent/report.ts';

/** The broker's API for enrolled hosts. Every call throws AgentError; `stopped` when the signal ends it. */
export interface Broker {
  checkIn(said: CheckIn, signal?: AbortSignal): Promise<CheckInAnswer>;
  /** Status of each digest, in the order asked; any number of digests. */
  lookupFiles(sha1s: readonly string[], signal?: AbortSignal): Promise<readonly FileStatus[]>;
  /** When updates were first published, ISO 8601 by UpdateId; any number of them. Those it does not know are left out. */
  lookupUpdates(updateIds: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /** @throws AgentError `unknown-base` when the broker does not have the report that the changes are to */
  postReport(message: ReportMessage, signal?: AbortSignal): Promise<ReportAnswer>;
}

/** How a machine becomes known to a broker. Repeating it with the same key changes nothing. */
export interface Registration {
  /** @throws AgentError: `refused` for a token that is no good, `taken`, `cloned` */
  enrol(enrolment: Enrolment, signal?: AbortSignal): Promise<EnrolmentAnswer>;
}
