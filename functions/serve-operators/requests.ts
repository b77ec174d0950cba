import * as z from 'zod/mini';
import { fileRequestStates } from '#shared/contract/requests.ts';
import { type AuditPorts, audited } from './audited.ts';
import { listing, nextOf, pageQuery, parameter, unlessRefused } from './parameters.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';

/** Files that hosts asked for. */
export function requestsApi(
  ports: AuditPorts & Pick<OperatorPorts, 'requests' | 'runs'>,
): Pick<OperatorsApi, 'listRequests' | 'startSweep'> {
  return {
    async listRequests({ query }) {
      const state = parameter(z.optional(z.enum(fileRequestStates)), 'state', query.state);
      const asked = pageQuery(query);
      const page = await listing(() => ports.requests.list({ state, ...asked }));
      return { version: 1, requests: [...page.items], unreadable: [...page.unreadable], ...nextOf(page) };
    },

    startSweep: (call) =>
      audited(ports, call, { action: 'requests.sweep', target: 'requests' }, () =>
        unlessRefused('unavailable', () => ports.runs.sweep()),
      ),
  };
}
