import type { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { ProblemError } from '#shared/contract/problem-error.ts';
import type { Implementation, Incoming } from '#shared/lambda/api-handler.ts';
import { checkIns } from './check-in.ts';
import { enrol } from './enrol.ts';
import { lookUpFiles } from './files.ts';
import type { AgentCaller, AgentPorts, HostCaller, Newcomer } from './ports.ts';
import { takeReport } from './report.ts';
import { writeDown } from './turn.ts';
import { lookUpUpdates } from './updates.ts';

/** The agents' API. */
export function serveAgents(ports: AgentPorts): Implementation<typeof agentEndpoints, AgentCaller> {
  const checkIn = checkIns(ports);
  return {
    enrol: ({ request, caller, ...call }) => enrol(ports, request, newcomer(caller), call),
    checkIn: ({ request, caller }) => checkIn(request, host(caller)),
    lookupFiles: async ({ request, caller }) => {
      await writeDown(ports, host(caller));
      return lookUpFiles(ports, request.sha1s);
    },
    lookupUpdates: async ({ request, caller }) => {
      await writeDown(ports, host(caller));
      return lookUpUpdates(ports, request.updateIds);
    },
    postReport: ({ request, caller }) => takeReport(ports, request, host(caller)),
  };
}

/**
 * What is done with a body of a host that does not parse: it is written down as a request like any other, and a report
 * is kept for support. The last good report stays.
 */
export function refusedBodies(
  ports: Pick<AgentPorts, 'hosts'>,
): (incoming: Incoming, caller: AgentCaller, problem: ProblemError) => Promise<void> {
  return async ({ name, body }, caller, { message }) => {
    if (caller.kind !== 'host') return;
    await writeDown(ports, caller);
    if (name !== ('postReport' satisfies keyof typeof agentEndpoints)) return;
    await ports.hosts.keepRejected(caller.record.machineId, { at: caller.seen.at, reason: message, body });
  };
}

/** How a caller is named in the log. */
export const nameOf = (caller: AgentCaller): string =>
  caller.kind === 'host' ? caller.record.machineId : 'somebody who enrols';

function host(caller: AgentCaller): HostCaller {
  if (caller.kind === 'host') return caller;
  throw new Error('an endpoint of hosts was called by somebody who enrols');
}

function newcomer(caller: AgentCaller): Newcomer {
  if (caller.kind === 'newcomer') return caller;
  throw new Error('the enrolment was called by a host');
}
