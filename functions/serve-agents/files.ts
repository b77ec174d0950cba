import type { FileLookupAnswer, FileStatus } from '#shared/contract/agent/files.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import type { HeldPayload } from '#shared/stores/payloads/port.ts';
import type { AgentPorts } from './ports.ts';

/** One status per digest that was asked for, in the order of the question, each once. */
export async function lookUpFiles(
  ports: Pick<AgentPorts, 'payloads' | 'requests' | 'catalog'>,
  asked: readonly string[],
): Promise<FileLookupAnswer> {
  const sha1s = [...new Set(asked)];
  const held = await ports.payloads.held(sha1s);
  const requests = await ports.requests.get(sha1s.filter((sha1) => !held.has(sha1)));
  const facts = await ports.catalog.fileFacts(sha1s.filter((sha1) => !held.has(sha1) && !requests.has(sha1)));
  const files = sha1s.map((sha1) => statusOf(sha1, held.get(sha1), requests.get(sha1), facts.has(sha1)));
  return { version: 1, files };
}

function statusOf(
  sha1: string,
  held: HeldPayload | undefined,
  request: FileRequest | undefined,
  inCatalog: boolean,
): FileStatus {
  if (held !== undefined) return { sha1, state: 'held', sha256: held.sha256, size: held.size };
  switch (request?.state) {
    case 'open':
    case 'queued':
    case 'fetching':
      return { sha1, state: 'requested', ...(request.lastError !== undefined && { reason: request.lastError }) };
    case 'failed':
      return { sha1, state: 'failed', reason: request.lastError };
    case 'done':
      // It was here and has been removed since: it comes back when somebody needs it.
      return { sha1, state: 'absent' };
    default:
      return { sha1, state: inCatalog ? 'absent' : 'unknown' };
  }
}
