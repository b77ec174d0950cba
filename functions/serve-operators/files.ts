import { sha1 } from '#shared/contract/primitives.ts';
import type { HeldPayload } from '#shared/stores/payloads/port.ts';
import { listing, missing, nextOf, pageQuery, parameter } from './parameters.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';

/** Files: what the index says of them, whether they are held, and how their requests stand. */
export function filesApi({
  catalog,
  payloads,
  requests,
}: Pick<OperatorPorts, 'catalog' | 'payloads' | 'requests'>): Pick<OperatorsApi, 'listFiles' | 'getFile'> {
  return {
    async listFiles({ query }) {
      const asked = pageQuery(query);
      const page = await listing(() => payloads.list(asked));
      return {
        version: 1,
        files: page.items.map(heldFileOf),
        unreadable: [...page.unreadable],
        ...nextOf(page),
      };
    },

    async getFile({ path }) {
      const digest = parameter(sha1, 'sha1', path.sha1);
      const [facts, held, request] = await Promise.all([
        catalog.fileFacts([digest]).then((found) => found.get(digest)),
        payloads.held([digest]).then((found) => found.get(digest)),
        requests.get([digest]).then((found) => found.get(digest)),
      ]);
      if (facts === undefined && held === undefined && request === undefined)
        missing(`no index named a file ${digest}, and none is held or asked for`);
      return {
        version: 1,
        sha1: digest,
        ...(held?.name !== undefined && { name: held.name }),
        ...facts,
        ...(held !== undefined && { held: heldFileOf(held) }),
        ...(request !== undefined && { request }),
      };
    },
  };
}

const heldFileOf = ({ sha1, name, sha256, size, heldAt }: HeldPayload) => ({
  sha1,
  ...(name !== undefined && { name }),
  sha256,
  size,
  heldAt,
});
