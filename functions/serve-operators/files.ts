import type { FileOrder, FileOrderAnswer } from '#shared/contract/operators/views.ts';
import { sha1 } from '#shared/contract/primitives.ts';
import type { HeldPayload } from '#shared/stores/payloads/port.ts';
import { type AuditPorts, audited } from './audited.ts';
import { listing, missing, nextOf, pageQuery, parameter } from './parameters.ts';
import type { Caller, OperatorPorts, OperatorsApi } from './ports.ts';

type FilePorts = AuditPorts & Pick<OperatorPorts, 'catalog' | 'payloads' | 'requests'>;

/** Whom a request is by that a person made; who it was, the audit log says. No host's machine id: those are asked for at enrolment. */
const byOperator = 'operator';

/** Files: what the index says of them, whether they are held, and how their requests stand. */
export function filesApi(ports: FilePorts): Pick<OperatorsApi, 'listFiles' | 'getFile' | 'requestFiles'> {
  const { catalog, payloads, requests } = ports;
  return {
    requestFiles: ({ request, ...call }) => requestFiles(ports, call, request),

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
      const [facts, held, retiredAt, request] = await Promise.all([
        catalog.fileFacts([digest]).then((found) => found.get(digest)),
        payloads.held([digest]).then((found) => found.get(digest)),
        payloads.retiredAt(digest),
        requests.get([digest]).then((found) => found.get(digest)),
      ]);
      if ([facts, held, retiredAt, request].every((known) => known === undefined))
        missing(`no index named a file ${digest}, and none is held or asked for`);
      return {
        version: 1,
        sha1: digest,
        ...(held?.name !== undefined && { name: held.name }),
        ...facts,
        ...(held !== undefined && { held: heldFileOf(held) }),
        ...(retiredAt !== undefined && { retiredAt }),
        ...(request !== undefined && { request }),
      };
    },
  };
}

/** Opens requests; what is held, or known to no index, is said and left alone. */
async function requestFiles(ports: FilePorts, call: Caller, { sha1s }: FileOrder): Promise<FileOrderAnswer> {
  const wanted = [...new Set(sha1s)];
  const [facts, held] = await Promise.all([ports.catalog.fileFacts(wanted), ports.payloads.held(wanted)]);
  const files = wanted.map((digest): FileOrderAnswer['files'][number] => {
    const { name, size, url } = facts.get(digest) ?? {};
    const state = held.has(digest) ? 'held' : url === undefined ? 'unknown' : 'requested';
    return { sha1: digest, state, ...(name !== undefined && { name }), ...(size !== undefined && { size }) };
  });
  const asked = files.filter(({ state }) => state === 'requested');
  if (asked.length === 0) return { version: 1, files };
  const change = { action: 'files.request', target: 'files', after: { sha1s: asked.map((file) => file.sha1) } };
  await audited(ports, call, change, async () => {
    const requestedAt = ports.now().toISOString();
    for (const { sha1: digest, name, size } of asked)
      await ports.requests.open({ sha1: digest, name, size, requestedBy: byOperator, requestedAt, again: true });
  });
  return { version: 1, files };
}

const heldFileOf = ({ sha1, name, sha256, size, heldAt }: HeldPayload) => ({
  sha1,
  ...(name !== undefined && { name }),
  sha256,
  size,
  heldAt,
});
