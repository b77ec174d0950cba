import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { proofClaims } from '#shared/contract/agent/identity.ts';
import { auditAnchor, auditEntry } from '#shared/contract/audit.ts';
import { catalogSnapshotHead } from '#shared/contract/catalog-snapshot.ts';
import { command, hostOutcome } from '#shared/contract/commands.ts';
import { deploymentConfig } from '#shared/contract/deployment.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { eventDetails } from '#shared/contract/events.ts';
import { fleetBeat, fleetManifest } from '#shared/contract/fleet-snapshot.ts';
import { hostRecord, reportBody, reportRecord } from '#shared/contract/host-records.ts';
import { indexCopy, unfinishedPublication } from '#shared/contract/index-copy.ts';
import { indexPointer } from '#shared/contract/index-pointer.ts';
import { operatorProfile, trustPin } from '#shared/contract/login.ts';
import { aggregateFleetEvent } from '#shared/contract/messages/aggregate-fleet.ts';
import { cleanPayloadsEvent } from '#shared/contract/messages/clean-payloads.ts';
import { fetchPayloadMessage } from '#shared/contract/messages/fetch-payload.ts';
import { publishRepositoryMessage } from '#shared/contract/messages/publish-repository.ts';
import { syncIndexEvent } from '#shared/contract/messages/sync-index.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { groupPackages, hostsPackages, packageBook, packageFacts, packageManifest } from '#shared/contract/packages.ts';
import { payloadTransfer } from '#shared/contract/payload-transfer.ts';
import { problem } from '#shared/contract/problem.ts';
import { fileRequest } from '#shared/contract/requests.ts';
import { ruleBook } from '#shared/contract/rules.ts';
import {
  groupCatalog,
  groupRules,
  hostAssignments,
  indexFacts,
  signedBook,
} from '#shared/contract/signed-documents.ts';
import { factsRow, kbRow, unitRow } from '#shared/stores/catalog/aws-facts.ts';
import { refusalRow } from '#shared/stores/catalog/aws-journal.ts';
import { keyRow, rejectedRow } from '#shared/stores/hosts/rows.ts';
import { unnamedRow } from '#shared/stores/packages/aws.ts';
import { lastCleaningRow } from '#shared/stores/payloads/aws-cleaning.ts';
import { cleanableRow, payloadRow } from '#shared/stores/payloads/rows.ts';
import { currentRulesRow, ruleBookRow, rulesRevisionRow, rulesSignatureRow } from '#shared/stores/rules/rows.ts';
import { tokenRow } from '#shared/stores/tokens/row.ts';

/**
 * Agents lag by months and rows live for years, so a shape that crosses a process is a promise. When a hash below
 * changes, you owe: (1) every reader still takes what older writers wrote (only optional additions), or (2) a new
 * `version` beside the old one, which stays readable; then put the new hash here in the same commit.
 */
const pinned: Readonly<Record<string, string>> = {
  'GET /v1/audit response': '78f366f540705158',
  'GET /v1/audit/anchors response': '74c291cfd2122bb0',
  'GET /v1/commands response': '521a6495211638cf',
  'GET /v1/commands/{commandId} response': '2dc26d78b3e78b18',
  'GET /v1/files response': 'c722d36577e5e1a0',
  'GET /v1/files/cleanings/{runId} response': '9ccbcf558c3baf33',
  'GET /v1/files/{sha1} response': '446aee6f5bc62552',
  'GET /v1/groups response': 'abe482a254c4347f',
  'GET /v1/groups/{group} response': 'ab0290253630a913',
  'GET /v1/hosts response': 'f6479c5615262b84',
  'GET /v1/hosts/{machineId} response': 'e8c15e45c8ee3d34',
  'GET /v1/index response': 'b4ee1cd97941e904',
  'GET /v1/index/syncs/{runId} response': 'b9cd9c9e7cfd2839',
  'GET /v1/me response': '87a19093c12a32d2',
  'GET /v1/requests response': '4a39d5a856536a12',
  'GET /v1/rules response': '285da67d1eae71de',
  'GET /v1/rules/explanations/{machineId} response': '0e2c5db76c2f06d9',
  'GET /v1/rules/revisions response': 'e545ceb6b67d27d3',
  'GET /v1/rules/revisions/{revision} response': '285da67d1eae71de',
  'GET /v1/status response': '1366b3a1e106f9b2',
  'GET /v1/tokens response': 'dc3c278bf09dddf0',
  'GET /v1/tokens/{tokenId} response': 'e39c1fddbce793ab',
  'GET /v1/updates response': '61c4e481cbaffcd5',
  'GET /v1/updates/reported response': '258470a074937937',
  'GET /v1/updates/{updateId} response': 'aae3c3c833b734c7',
  'POST /v1/agent/check-ins request': '9ea4ff85ed0fe842',
  'POST /v1/agent/check-ins response': 'e0fad0b04c5fae09',
  'POST /v1/agent/enrolments request': '4717c7b7d9e899c0',
  'POST /v1/agent/enrolments response': 'bae5c460b8edf96f',
  'POST /v1/agent/files/lookup request': 'd1bc849729254610',
  'POST /v1/agent/files/lookup response': 'c6da648a1e5df3ab',
  'POST /v1/agent/reports request': '84da54b5b3ee5bee',
  'POST /v1/agent/reports response': '3784860e58639bbc',
  'POST /v1/agent/updates/lookup request': '7014130821659af0',
  'POST /v1/agent/updates/lookup response': '40dd30402fc807a4',
  'POST /v1/commands request': '11280d66fe08c0da',
  'POST /v1/commands response': '62ccc70eea6b64c2',
  'POST /v1/commands/{commandId}/cancellations request': '25c7d85c859a6f78',
  'POST /v1/commands/{commandId}/cancellations response': 'af6f9af0646407a5',
  'POST /v1/files/cleanings request': '158dc5da9a50a099',
  'POST /v1/files/cleanings response': '9ccbcf558c3baf33',
  'POST /v1/hosts/{machineId}/revocations request': 'd9cb7a4fcbd5817c',
  'POST /v1/hosts/{machineId}/revocations response': 'e8c15e45c8ee3d34',
  'POST /v1/files/requests request': '47bfe1ca40455544',
  'POST /v1/files/requests response': '88cc779215cda2c7',
  'POST /v1/index/syncs request': '615c56d65d116ccf',
  'POST /v1/index/syncs response': 'b9cd9c9e7cfd2839',
  'POST /v1/requests/sweeps request': '25c7d85c859a6f78',
  'POST /v1/requests/sweeps response': '376bba1208c97922',
  'POST /v1/rules/impacts request': '81cd8bbd56d41ecb',
  'POST /v1/rules/impacts response': '41d88669ab7dc815',
  'POST /v1/tokens request': 'c1b880420b2db6c2',
  'POST /v1/tokens response': '25a32c50a4533b26',
  'POST /v1/tokens/{tokenId}/revocations request': '25c7d85c859a6f78',
  'POST /v1/tokens/{tokenId}/revocations response': 'e39c1fddbce793ab',
  'PUT /v1/rules request': '2074bf1219a42bd9',
  'PUT /v1/rules response': '285da67d1eae71de',
  'audit bucket: anchor': 'b63a0cd0828bfce8',
  'catalog/v2/<sha256>.kbc.gz, its head': 'a51de60435f9852f',
  'event CommandFinished': 'fcce6f7145479c7b',
  'event FileCached': '29bd75fa2d583bf9',
  'event FileRemoved': '29bd75fa2d583bf9',
  'event HostCloned': 'f2fd167e2e2d518f',
  'event HostFailing': '1a3bdcab69a28b21',
  'event IndexPublished': 'dc6924aaa2b5c97b',
  'event RulesPublished': '28b3bde48bf613a4',
  'event aggregate-fleet': '21c516840f4ccee0',
  'event clean-payloads': '562a6d2fb411573c',
  'event sync-index': '8763925a892b81ac',
  'fleet bucket: manifest': 'b621cfe48fa6acce',
  'index/current.json': 'c938e68417ed754a',
  'kbroker.config.json': '9672962097533650',
  'problem document': 'a20bff8f536ca30f',
  'profile of the command line': 'b50b4725977109d9',
  'proof of a host, its claims': 'a2f742f6f967619f',
  'queue fetch-payload': '2f1a5aec63f87b0c',
  'table audit': '3dd3c543ef1fcaf2',
  'table catalog: copy of an index': 'f57343f439149f5b',
  'table catalog: facts of a file': 'd39e505d4db7ee1b',
  'table catalog: facts of a unit': 'f47427bed8146d62',
  'table catalog: refusal': '250b53b59009cbbd',
  'table catalog: unfinished publication': '0cbf673ac12ce669',
  'table catalog: units of a KB': '92f61b06b0c7f931',
  'table commands: command': 'af6f9af0646407a5',
  'table commands: outcome': 'fdab8def324d02dc',
  'table hosts: beat': '3a09a530cc1726c5',
  'table hosts: host': 'dc1612e0b1082463',
  'table hosts: key': 'a88ba63e3199f8d8',
  'table hosts: rejected report': '830ac354b44bb511',
  'table hosts: report': 'b3278f6fda543147',
  'table hosts: report, its body': '1f2d2b50101ba102',
  'table payloads': 'ce720d91f0d005ad',
  'table payloads: last cleaning': 'b3e07179cf7ae2b8',
  'table payloads: row on its way out': '58d4e6a8992cbc81',
  'table requests: file on its way': 'a20409bbb7ca1ec9',
  'table requests': 'e294e3fc77a2015a',
  'table rules: book': '98b3a94997eaeed3',
  'table rules: book, its body': '8876d663da1815c9',
  'table rules: in force': '3c67c5d88047ccd7',
  'table rules: revision': '28e336212f8827d2',
  'table tokens': 'f02342d8966743c1',
  'GET /v1/trust response': '2e6f72e24c719c78',
  'GET /v1/trust/files response': '253d08c642ef7b3a',
  'POST /v1/trust/changes request': '95178b1ad2f4294f',
  'POST /v1/trust/changes response': '8c81e741b07e8f71',
  'queue publish-repository': '4aaecb8f380a2a86',
  'root that the command line pinned': 'ac51152ac4605d39',
  'table rules: signature': 'ec35d90f78940028',
  'targets/catalog/<group>.json': 'a2cc94ef1940f66c',
  'targets/index, its custom': 'b0240be2ed5147a5',
  'targets/rules/book.json': 'a5294b492674be08',
  'targets/rules/groups/<group>.json': '3ef4aea8fe88b320',
  'targets/rules/hosts/<bin>.json': '5a475d89272cf43c',
  'POST /v1/packages/uploads request': '15383b214db82999',
  'POST /v1/packages/uploads response': 'c6a5cdc88317b325',
  'table payloads: files that no package names': 'a6cb05857d28cdce',
  'targets/custom/book.json': '4055fa18aa38d05d',
  'targets/custom/groups/<group>.json': 'a933bcc704525f3e',
  'targets/custom/hosts/<bin>.json': '5c1dfc875cd9fb36',
  'targets/custom/packages, their custom': '267db3daf613b88f',
  'targets/custom/packages/<name>-<version>.json': '2bc139b2aa701bcb',
};

const shapes: Record<string, z.core.$ZodType> = {
  'catalog/v2/<sha256>.kbc.gz, its head': catalogSnapshotHead,
  'event aggregate-fleet': aggregateFleetEvent,
  'event clean-payloads': cleanPayloadsEvent,
  'event sync-index': syncIndexEvent,
  'index/current.json': indexPointer,
  'targets/catalog/<group>.json': groupCatalog,
  'targets/index, its custom': indexFacts,
  'targets/custom/book.json': packageBook,
  'targets/custom/groups/<group>.json': groupPackages,
  'targets/custom/hosts/<bin>.json': hostsPackages,
  'targets/custom/packages/<name>-<version>.json': packageManifest,
  'targets/custom/packages, their custom': packageFacts,
  'targets/rules/book.json': signedBook,
  'targets/rules/groups/<group>.json': groupRules,
  'targets/rules/hosts/<bin>.json': hostAssignments,
  'queue fetch-payload': fetchPayloadMessage,
  'queue publish-repository': publishRepositoryMessage,
  'table catalog: facts of a file': factsRow,
  'table catalog: facts of a unit': unitRow,
  'table catalog: copy of an index': indexCopy,
  'table requests: file on its way': payloadTransfer,
  'table catalog: refusal': refusalRow,
  'table catalog: unfinished publication': unfinishedPublication,
  'table catalog: units of a KB': kbRow,
  'table audit': auditEntry,
  'table hosts: beat': fleetBeat,
  'table commands: command': command,
  'table commands: outcome': hostOutcome,
  'table hosts: host': hostRecord,
  'table hosts: key': keyRow,
  'table hosts: rejected report': rejectedRow,
  'table hosts: report': reportRecord,
  'table hosts: report, its body': reportBody,
  'table payloads': payloadRow,
  'table payloads: last cleaning': lastCleaningRow,
  'table payloads: files that no package names': unnamedRow,
  'table payloads: row on its way out': cleanableRow,
  'table requests': fileRequest,
  'table rules: book': ruleBookRow,
  'table rules: book, its body': ruleBook,
  'table rules: in force': currentRulesRow,
  'table rules: revision': rulesRevisionRow,
  'table rules: signature': rulesSignatureRow,
  'table tokens': tokenRow,
  'audit bucket: anchor': auditAnchor,
  'fleet bucket: manifest': fleetManifest,
  'kbroker.config.json': deploymentConfig,
  'problem document': problem,
  'profile of the command line': operatorProfile,
  'proof of a host, its claims': proofClaims,
  'root that the command line pinned': trustPin,
};
for (const [type, detail] of Object.entries(eventDetails)) shapes[`event ${type}`] = detail;
const endpoints: readonly Endpoint[] = [...Object.values(agentEndpoints), ...Object.values(operatorEndpoints)];
for (const endpoint of endpoints) {
  if (endpoint.request !== undefined) shapes[`${endpoint.method} ${endpoint.path} request`] = endpoint.request;
  shapes[`${endpoint.method} ${endpoint.path} response`] = endpoint.response;
}

const hashOf = (shape: z.core.$ZodType): string =>
  createHash('sha256')
    // Bytes have no JSON Schema: they count as anything.
    .update(JSON.stringify(z.toJSONSchema(shape, { unrepresentable: 'any' })))
    .digest('hex')
    .slice(0, 16);

describe('shapes that cross a process', () => {
  it('are the ones that are pinned', () => {
    const current = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, hashOf(shape)]));
    expect(current).toEqual(pinned);
  });

  it('every endpoint has a path of its own', () => {
    const routes = endpoints.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(routes).size).toBe(routes.length);
  });
});
