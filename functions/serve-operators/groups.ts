import { groupName } from '#shared/contract/agent/identity.ts';
import { type GroupCounts, groupsOf, updatesOfGroup } from '#shared/core/fleet/fleet.ts';
import { ageOf, currentFleet, type FleetPorts } from './current-fleet.ts';
import { missing, parameter } from './parameters.ts';
import type { OperatorsApi } from './ports.ts';

/** Groups of hosts in numbers, from the snapshot. A group is there as long as it has a host. */
export function groupsApi(ports: FleetPorts): Pick<OperatorsApi, 'listGroups' | 'getGroup'> {
  return {
    async listGroups() {
      const fleet = await currentFleet(ports);
      return { version: 1, ...ageOf(fleet, ports.now()), groups: groupsOf(fleet).map(copyOf) };
    },

    async getGroup({ path }) {
      const name = parameter(groupName, 'group', path.group);
      const fleet = await currentFleet(ports);
      const group = groupsOf(fleet).find((one) => one.group === name) ?? missing(`no host is in the group ${name}`);
      return {
        version: 1,
        ...ageOf(fleet, ports.now()),
        group: copyOf(group),
        updates: { ...updatesOfGroup(fleet, name) },
      };
    },
  };
}

const copyOf = ({ group, hosts, byState }: GroupCounts) => ({ group, hosts, byState: { ...byState } });
