import type { FileStatus } from '#shared/contract/agent/files.ts';
import type { HostReport, ReportAnswer } from '#shared/contract/agent/report.ts';
import type { RulesDocument } from '#shared/contract/rules.ts';

/** The broker's API for agents. Every call throws AgentError; `stopped` when the signal ends it. */
export interface Broker {
  getRules(signal?: AbortSignal): Promise<RulesDocument>;
  /** Status of each digest, in the order asked; any number of digests. */
  lookupFiles(sha1s: readonly string[], signal?: AbortSignal): Promise<readonly FileStatus[]>;
  postReport(report: HostReport, signal?: AbortSignal): Promise<ReportAnswer>;
}
