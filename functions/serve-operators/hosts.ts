import type { HostView } from '#shared/contract/operators/hosts.ts';
import { machineId } from '#shared/contract/primitives.ts';
import { type AuditPorts, audited } from './audited.ts';
import { missing, parameter } from './parameters.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';

/** One host, live. */
export function hostsApi(
  ports: AuditPorts & Pick<OperatorPorts, 'hosts'>,
): Pick<OperatorsApi, 'getHost' | 'revokeHost'> {
  const { hosts, now } = ports;
  const view = async (id: string): Promise<HostView> => (await hosts.view(id)) ?? missing(`no host ${id} is enrolled`);
  return {
    getHost: async ({ path }) => view(parameter(machineId, 'machineId', path.machineId)),

    async revokeHost({ path, request, ...call }) {
      const id = parameter(machineId, 'machineId', path.machineId);
      const record = (await hosts.find(id)) ?? missing(`no host ${id} is enrolled`);
      const revokedAt = now().toISOString();
      const { group, thumbprint } = record;
      const change = {
        action: 'host.revoke',
        target: id,
        before: { group, thumbprint, ...(record.revokedAt !== undefined && { revokedAt: record.revokedAt }) },
        after: {
          group,
          thumbprint,
          revokedAt: record.revokedAt ?? revokedAt,
          ...(request.reason !== undefined && { reason: request.reason }),
        },
      };
      await audited(ports, call, change, async () => {
        if (!(await hosts.revoke(id, revokedAt, request.reason))) missing(`no host ${id} is enrolled`);
      });
      return view(id);
    },
  };
}
