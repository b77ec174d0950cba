import { indexView } from './index.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';

/** Everything in numbers. */
export function statusApi(
  ports: Pick<OperatorPorts, 'index' | 'journal' | 'fleet' | 'requests' | 'payloads'>,
): Pick<OperatorsApi, 'getStatus'> {
  return {
    async getStatus() {
      const [index, hosts, byState, payloads] = await Promise.all([
        indexView(ports),
        ports.fleet.fleetCounts(),
        ports.requests.countByState(),
        ports.payloads.totals(),
      ]);
      return { version: 2, index, hosts, requests: { byState }, payloads };
    },
  };
}
