import type { FileStatus } from '#shared/contract/agent/files.ts';
import type { HostReport, ReportAnswer } from '#shared/contract/agent/report.ts';
import type { RulesDocument } from '#shared/contract/rules.ts';

/** The broker's API for agents. Every call throws AgentError. */
export interface Broker {
  getRules(): Promise<RulesDocument>;
  /** Status of each digest, in the order asked; any number of digests. */
  lookupFiles(sha1s: readonly string[]): Promise<readonly FileStatus[]>;
  postReport(report: HostReport): Promise<ReportAnswer>;
}
