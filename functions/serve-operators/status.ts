import { monthOf } from '#shared/core/fleet/received.ts';
import { monthPriceOf } from '#shared/core/prices/month-price.ts';
import { indexView } from './index.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';

/** Everything in numbers. */
export function statusApi(
  ports: Pick<OperatorPorts, 'index' | 'journal' | 'fleet' | 'requests' | 'payloads' | 'now'>,
): Pick<OperatorsApi, 'getStatus'> {
  return {
    async getStatus() {
      const now = ports.now();
      const month = monthOf(now);
      const [index, hosts, byState, payloads, received, fetched] = await Promise.all([
        indexView(ports),
        ports.fleet.fleetCounts(),
        ports.requests.countByState(),
        ports.payloads.totals(),
        ports.fleet.receivedIn(month),
        ports.payloads.fetchedIn(month),
      ]);
      const { index: ofIndex, files, direct } = received;
      const price = monthPriceOf({
        now,
        heldBytes: payloads.bytes + (index.current?.bytes ?? 0),
        servedBytes: ofIndex + files,
        hosts: received.hosts,
      });
      return {
        version: 2,
        index,
        hosts,
        requests: { byState },
        payloads,
        traffic: {
          month,
          served: { index: ofIndex, files },
          direct,
          fetched,
          // What was fetched at the end of a month may be served in the next.
          savedBytes: Math.max(0, files - fetched.bytes),
        },
        price,
      };
    },
  };
}
