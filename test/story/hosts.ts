import { randomUUID } from 'node:crypto';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { FileLookupAnswer } from '#shared/contract/agent/files.ts';
import type { HostReport, ReportAnswer } from '#shared/contract/agent/report.ts';
import { indexPointer } from '#shared/contract/index-pointer.ts';
import { buildKey } from '#shared/contract/keys.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import type { Catalog, PayloadFile } from '#shared/core/catalog/model.ts';
import { readIndex } from '#shared/index/read-index.ts';
import { objectBytes, type World } from './world.ts';

/** The answer of the agents' API to any request, as a host with the shared secret sees it. */
export async function askAsHost(
  world: World,
  endpoint: { readonly method: string; readonly path: string },
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(new URL(endpoint.path, world.output('ApiUrl')), {
    method: endpoint.method,
    headers: { authorization: `Bearer ${world.agentSecret}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

/** A report of a host that needs these files, as its agent would send it. */
export function reportNeeding(
  machineId: string,
  needs: readonly string[],
  changes: Partial<HostReport> = {},
): HostReport {
  return {
    version: 1,
    host: {
      machineId,
      hostname: machineId.toUpperCase(),
      os: 'Windows Server 2022',
      osVersion: '10.0.20348.1',
      architecture: 'amd64',
      agentVersion: '0.0.0',
    },
    indexSha256: '0'.repeat(64),
    rulesRevision: 0,
    scannedAt: new Date().toISOString(),
    scanMilliseconds: 1,
    updates: [
      {
        updateId: randomUUID(),
        revision: 1,
        kbs: ['5000001'],
        state: 'MISSING',
        reason: 'files are not in the repository yet',
        files: [...needs],
      },
    ],
    needs: [...needs],
    ...changes,
  };
}

export async function postReport(world: World, report: HostReport): Promise<ReportAnswer> {
  const { status, body } = await askAsHost(world, agentEndpoints.postReport, report);
  if (status !== 200) throw new Error(`report answered ${status}: ${JSON.stringify(body)}`);
  return agentEndpoints.postReport.response.parse(body);
}

export async function lookup(world: World, sha1s: readonly string[]): Promise<FileLookupAnswer['files']> {
  const { body } = await askAsHost(world, agentEndpoints.lookupFiles, { version: 1, sha1s });
  return agentEndpoints.lookupFiles.response.parse(body).files;
}

/** The catalogue of the current index, decoded from the object that the CDN serves. */
export async function currentCatalog(world: World): Promise<Catalog> {
  const pointer = await currentPointer(world);
  const bytes = await objectBytes(world, 'IndexBucket', buildKey({ kind: 'index', sha256: pointer.sha256 }));
  return readIndex(
    (async function* () {
      yield bytes;
    })(),
  );
}

export async function currentPointer(world: World) {
  const bytes = await objectBytes(world, 'IndexBucket', buildKey({ kind: 'index-pointer' }));
  return indexPointer.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

/** Payload files of the current index, the largest first; all have a name, a size and an address. */
export async function payloadFiles(world: World): Promise<readonly Required<PayloadFile>[]> {
  const { files } = await currentCatalog(world);
  return [...files.values()]
    .filter((file): file is Required<PayloadFile> => file.url !== undefined && file.sha256 !== undefined)
    .sort((a, b) => b.size - a.size);
}

export async function requestOf(world: World, sha1: string): Promise<FileRequest | undefined> {
  const page = await world.call(operatorEndpoints.listRequests);
  return page.requests.find((request) => request.sha1 === sha1);
}

/** Path of a file's address at Microsoft, as a pattern for faults. */
export const pathOf = (file: PayloadFile): RegExp =>
  new RegExp(`^${new URL(file.url ?? '').pathname.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
