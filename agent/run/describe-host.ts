import * as z from 'zod/mini';
import { type HostReport, hostFacts } from '#shared/contract/agent/report.ts';
import { buildReport, type ReportInput } from '../core/report.ts';
import type { CompiledRules } from '../core/settings.ts';
import type { Agent } from './agent.ts';
import type { Troubles } from './troubles.ts';

/** What a cycle found, for a report. */
interface Found extends Pick<ReportInput, 'indexSha256' | 'updates' | 'needs' | 'packages'> {
  readonly rules: CompiledRules['document'] | undefined;
}

/** How things stand on this host now. @throws AgentError when the machine cannot say who it is */
export async function describeHost(
  { adapters, settings }: Agent,
  { indexProblem, trustProblem }: Troubles,
  { rules, ...found }: Found,
): Promise<HostReport> {
  const machine = await adapters.updateAgent.machine();
  return buildReport({
    ...found,
    host: z.parse(hostFacts, { ...machine, agentVersion: settings.agentVersion }),
    indexProblem,
    trustProblem,
    group: rules?.group,
    rulesRevision: rules?.revision ?? 0,
  });
}
