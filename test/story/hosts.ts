import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, SignJWT } from 'jose';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { FileLookupAnswer } from '#shared/contract/agent/files.ts';
import {
  enrolmentAudience,
  type HostPublicKey,
  hostPublicKey,
  type ProofClaims,
  proofAlgorithm,
  proofLifeSeconds,
  proofType,
} from '#shared/contract/agent/identity.ts';
import type { HostFacts, HostReport, ReportAnswer, ScanMoment } from '#shared/contract/agent/report.ts';
import { orderReport } from '#shared/contract/agent/report-changes.ts';
import { indexPointer } from '#shared/contract/index-pointer.ts';
import { buildKey } from '#shared/contract/keys.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import type { Catalog, PayloadFile } from '#shared/core/catalog/model.ts';
import { readIndex } from '#shared/index/read-index.ts';
import { objectBytes, type World } from './world.ts';

/** A host that a story plays by hand: enrolled with a key of its own, and each of its requests is proved. */
export interface PlayedHost {
  readonly machineId: string;
  readonly privateKey: KeyObject;
  /** How the broker wants to be named. */
  readonly audience: string;
  /**
   * The answer of the agents' API to any request.
   *
   * @param headers in the place of the usual ones; an empty one is left out
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

/** Claims of a proof that are not what they should be, for stories about that. */
export type ProofChanges = Partial<ProofClaims>;

/** The JWT that goes with a request. */
export async function prove(
  key: KeyObject,
  request: { readonly method: string; readonly path: string; readonly body: string },
  claims: Pick<ProofClaims, 'sub' | 'aud' | 'seq'> & ProofChanges,
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: await calculateJwkThumbprint(publicKeyOf(key)),
    iat,
    exp: iat + proofLifeSeconds,
    htm: request.method,
    htp: request.path,
    bh: createHash('sha256').update(request.body).digest('base64url'),
    ...claims,
  })
    .setProtectedHeader({ alg: proofAlgorithm, typ: proofType })
    .sign(key);
}

export const publicKeyOf = (privateKey: KeyObject): HostPublicKey =>
  hostPublicKey.parse(createPublicKey(privateKey).export({ format: 'jwk' }));

/** Enrols a machine in a group. */
export async function enrolHost(world: World, machineId: string, group?: string): Promise<PlayedHost> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = JSON.stringify({
    version: 1,
    token: await world.enrolmentToken(group),
    publicKey: publicKeyOf(privateKey),
    host: factsOf(machineId),
  });
  const { enrol } = agentEndpoints;
  const proof = await prove(privateKey, { ...enrol, body }, { sub: machineId, aud: enrolmentAudience, seq: 1 });
  const answer = await send(world, enrol, body, { authorization: `Bearer ${proof}` });
  if (answer.status !== 200) throw new Error(`enrolment answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  const { audience } = enrol.response.parse(answer.body);
  let sequence = 1;
  let before: Promise<unknown> = Promise.resolve();
  return {
    machineId,
    privateKey,
    audience,
    ask(endpoint, body, headers = {}) {
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      const ask = async (): Promise<Answered> => {
        sequence += 1;
        const claims = { sub: machineId, aud: audience, seq: sequence };
        const proof = await prove(privateKey, { ...endpoint, body: text }, claims);
        return send(world, endpoint, text, { authorization: `Bearer ${proof}`, ...headers });
      };
      // One at a time, as an agent asks: the broker takes sequence numbers in their order only.
      const answer = before.then(ask);
      before = answer.catch(() => undefined);
      return answer;
    },
  };
}

async function send(
  world: World,
  { method, path }: { readonly method: string; readonly path: string },
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answered> {
  const all = Object.entries({ 'content-type': 'application/json', ...headers }).filter(([, value]) => value !== '');
  const response = await fetch(new URL(path, world.output('ApiUrl')), {
    method,
    headers: Object.fromEntries(all),
    ...(body === '' ? {} : { body }),
  });
  return { status: response.status, body: await response.json() };
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

const factsOf = (machineId: string): HostFacts => ({
  machineId,
  hostname: machineId.toUpperCase(),
  os: 'Windows Server 2022',
  osVersion: '10.0.20348.1',
  architecture: 'amd64',
  agentVersion: '0.0.0',
});

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
