import * as z from 'zod/mini';
import { listOrders } from '#shared/contract/operators/hosts.ts';
import { listing, nextOf, pageQuery, parameter } from './parameters.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';

const entryNumber = z.optional(z.coerce.number().check(z.int(), z.minimum(1)));
const order = z.optional(z.enum(listOrders));

/** Who changed what. */
export function auditApi({
  audit,
  anchors,
}: Pick<OperatorPorts, 'audit' | 'anchors'>): Pick<OperatorsApi, 'listAudit' | 'listAuditAnchors'> {
  return {
    async listAudit({ query }) {
      const from = query.from === undefined ? undefined : parameter(entryNumber, 'from', query.from);
      const direction = parameter(order, 'order', query.order);
      const asked = pageQuery(query);
      const page = await listing(() =>
        audit.list({
          ...asked,
          ...(from !== undefined && { from }),
          ...(direction !== undefined && { order: direction }),
        }),
      );
      return { version: 1, entries: [...page.items], unreadable: [...page.unreadable], ...nextOf(page) };
    },

    async listAuditAnchors({ query }) {
      const asked = pageQuery(query);
      const page = await listing(() => anchors.list(asked));
      return { version: 1, anchors: [...page.items], unreadable: [...page.unreadable], ...nextOf(page) };
    },
  };
}
