import { randomUUID } from 'node:crypto';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { FileLookupAnswer } from '#shared/contract/agent/files.ts';
import type { HostReport, ReportAnswer, ScanMoment } from '#shared/contract/agent/report.ts';
import { orderReport } from '#shared/contract/agent/report-changes.ts';
import { indexPointer } from '#shared/contract/index-pointer.ts';
import { buildKey } from '#shared/contract/keys.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import type { Catalog, PayloadFile } from '#shared/core/catalog/model.ts';
import { readIndex } from '#shared/index/read-index.ts';
import { createRawHost, factsOf } from '#test/kit/raw-host.ts';
import { objectBytes, type World } from './world.ts';

/** A host that a story plays by hand: enrolled with a key of its own, and each of its requests is proved. */
export interface PlayedHost {
  readonly machineId: string;
  /**
   * The answer of the agents' API to any request.
   *
   * @param headers in the place of the usual ones; an empty authorization is left out
   */
  ask(
    endpoint: { readonly method: string; readonly path: string },
    body: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answered>;
}

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** Enrols a machine in a group. */
export async function enrolHost(world: World, machineId: string, group?: string): Promise<PlayedHost> {
  const host = await createRawHost(world.output('ApiUrl'), machineId);
  await host.enrol(await world.enrolmentToken(group));
  let before: Promise<unknown> = Promise.resolve();
  return {
    machineId,
    ask(endpoint, body, { authorization, ...headers } = {}) {
      const ask = async (): Promise<Answered> => {
        const { status, json } = await host.send(endpoint, body, {
          ...(body === undefined && { rawBody: '' }),
          ...(typeof body === 'string' && { rawBody: body }),
          ...(authorization !== undefined && { authorization: authorization === '' ? null : authorization }),
          headers,
        });
        return { status, body: json };
      };
      // One at a time, as an agent asks: the broker takes sequence numbers in their order only.
      const answer = before.then(ask);
      before = answer.catch(() => undefined);
      return answer;
    },
  };
}

/** Hosts of a world that stories share, by machine id. */
const played = new WeakMap<World, Map<string, Promise<PlayedHost>>>();

/** The host with this machine id; it is enrolled when it is asked for first. */
export function playedHost(world: World, machineId: string): Promise<PlayedHost> {
  const hosts = played.get(world) ?? new Map<string, Promise<PlayedHost>>();
  played.set(world, hosts);
  const host = hosts.get(machineId) ?? enrolHost(world, machineId);
  hosts.set(machineId, host);
  return host;
}

/** The answer to a host that no story cares about. */
export async function askAsHost(
  world: World,
  endpoint: { readonly method: string; readonly path: string },
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  return (await playedHost(world, 'some-host')).ask(endpoint, body, headers);
}

/** A report of a host that needs these files, as its agent would send it. */
export function reportNeeding(
  machineId: string,
  needs: readonly string[],
  changes: Partial<HostReport> = {},
): HostReport {
  return orderReport({
    version: 2,
    host: factsOf(machineId),
    indexSha256: '0'.repeat(64),
    rulesRevision: 0,
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
  });
}

/** The message that brings a whole report; a scan of now that took a millisecond. */
export const wholeReport = (report: HostReport, scan: Partial<ScanMoment> = {}) => ({
  version: 2,
  kind: 'whole',
  scan: { at: new Date().toISOString(), milliseconds: 1, ...scan },
  report,
});

/** Sends it as the host that it is about. */
export async function postReport(
  world: World,
  report: HostReport,
  scan: Partial<ScanMoment> = {},
): Promise<ReportAnswer> {
  const host = await playedHost(world, report.host.machineId);
  const { status, body } = await host.ask(agentEndpoints.postReport, wholeReport(report, scan));
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
