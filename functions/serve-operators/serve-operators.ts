import { auditApi } from './audit.ts';
import { cleaningsApi } from './cleanings.ts';
import { commandsApi } from './commands.ts';
import { explainApi } from './explain.ts';
import { filesApi } from './files.ts';
import { hostsApi } from './hosts.ts';
import { impactApi } from './impact.ts';
import { indexApi } from './index.ts';
import { me } from './me.ts';
import { packagesApi } from './packages.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';
import { requestsApi } from './requests.ts';
import { rulesApi } from './rules.ts';
import { statusApi } from './status.ts';
import { tokensApi } from './tokens.ts';
import { trustApi } from './trust.ts';
import { updatesApi } from './updates.ts';

/** The operators' API, put together from its nouns. Lists of the fleet come in with the ports. */
export function serveOperators(ports: OperatorPorts): OperatorsApi {
  const { listHosts, listReportedUpdates, listGroups, getGroup } = ports.fleet;
  return {
    ...me,
    ...statusApi(ports),
    ...indexApi(ports),
    ...updatesApi(ports),
    ...filesApi(ports),
    ...cleaningsApi(ports),
    ...packagesApi(ports),
    ...requestsApi(ports),
    ...hostsApi(ports),
    ...rulesApi(ports),
    ...explainApi(ports),
    ...impactApi(ports),
    ...commandsApi(ports),
    ...tokensApi(ports),
    ...trustApi(ports),
    ...auditApi(ports),
    listHosts,
    listReportedUpdates,
    listGroups,
    getGroup,
  };
}
