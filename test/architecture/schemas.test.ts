import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { catalogSnapshotHead } from '#shared/contract/catalog-snapshot.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { indexCopy, unfinishedPublication } from '#shared/contract/index-copy.ts';
import { indexPointer } from '#shared/contract/index-pointer.ts';
import { fetchPayloadMessage } from '#shared/contract/messages/fetch-payload.ts';
import { syncIndexEvent } from '#shared/contract/messages/sync-index.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { problem } from '#shared/contract/problem.ts';
import { fileRequest } from '#shared/contract/requests.ts';
import { rulesDocument } from '#shared/contract/rules.ts';
import { factsRow, kbRow, unitRow } from '#shared/stores/catalog/aws-facts.ts';
import { refusalRow } from '#shared/stores/catalog/aws-journal.ts';
import { storedBody, summaryRow } from '#shared/stores/hosts/aws.ts';
import { payloadRow } from '#shared/stores/payloads/aws.ts';

/**
 * Agents lag by months and rows live for years, so a shape that crosses a process is a promise. When a hash below
 * changes, you owe: (1) every reader still takes what older writers wrote (only optional additions), or (2) a new
 * `version` beside the old one, which stays readable; then put the new hash here in the same commit.
 */
const pinned: Readonly<Record<string, string>> = {
  'GET /v1/agent/rules response': 'ec12a290bb2f0ed0',
  'GET /v1/hosts response': 'b0774b8867edede9',
  'GET /v1/hosts/{machineId} response': '763fe3b7a03ed88b',
  'GET /v1/index response': 'b4ee1cd97941e904',
  'GET /v1/index/syncs/{runId} response': 'b9cd9c9e7cfd2839',
  'GET /v1/requests response': '4f1387295db4c948',
  'GET /v1/rules response': 'ec12a290bb2f0ed0',
  'GET /v1/status response': '91ee0f8e1b805f2c',
  'GET /v1/updates response': '65169f7c98ea3334',
  'GET /v1/updates/{updateId} response': '624ba3d7139f0e96',
  'POST /v1/agent/files/lookup request': 'd1bc849729254610',
  'POST /v1/agent/files/lookup response': 'c6da648a1e5df3ab',
  'POST /v1/agent/reports request': 'd4f5027d12a192e9',
  'POST /v1/agent/reports response': '161a4b435ffd69f3',
  'POST /v1/index/syncs request': '615c56d65d116ccf',
  'POST /v1/index/syncs response': 'b9cd9c9e7cfd2839',
  'POST /v1/requests/sweeps request': '25c7d85c859a6f78',
  'POST /v1/requests/sweeps response': '376bba1208c97922',
  'PUT /v1/rules request': '308bb8f96f425e6f',
  'PUT /v1/rules response': 'ec12a290bb2f0ed0',
  'catalog/v2/<sha256>.kbc.gz, its head': 'a51de60435f9852f',
  'event sync-index': '8763925a892b81ac',
  'index/current.json': 'c938e68417ed754a',
  'problem document': '93d6f1181293beed',
  'queue fetch-payload': '2f1a5aec63f87b0c',
  'table catalog: facts of a file': 'd39e505d4db7ee1b',
  'table catalog: facts of a unit': '3dd190102be165f7',
  'table catalog: copy of an index': 'f57343f439149f5b',
  'table catalog: refusal': '250b53b59009cbbd',
  'table catalog: unfinished publication': '0cbf673ac12ce669',
  'table catalog: units of a KB': '92f61b06b0c7f931',
  'table hosts: report': 'd82b8c9183e77a44',
  'table hosts: summary': '122bb257f980ec63',
  'table payloads': 'ce720d91f0d005ad',
  'table requests': 'bf64e48c039f47a9',
  'table rules': 'ec12a290bb2f0ed0',
};

const shapes: Record<string, z.core.$ZodType> = {
  'catalog/v2/<sha256>.kbc.gz, its head': catalogSnapshotHead,
  'event sync-index': syncIndexEvent,
  'index/current.json': indexPointer,
  'queue fetch-payload': fetchPayloadMessage,
  'table catalog: facts of a file': factsRow,
  'table catalog: facts of a unit': unitRow,
  'table catalog: copy of an index': indexCopy,
  'table catalog: refusal': refusalRow,
  'table catalog: unfinished publication': unfinishedPublication,
  'table catalog: units of a KB': kbRow,
  'table hosts: report': storedBody,
  'table hosts: summary': summaryRow,
  'table payloads': payloadRow,
  'table requests': fileRequest,
  'table rules': rulesDocument,
  'problem document': problem,
};
const endpoints: readonly Endpoint[] = [...Object.values(agentEndpoints), ...Object.values(operatorEndpoints)];
for (const endpoint of endpoints) {
  if (endpoint.request !== undefined) shapes[`${endpoint.method} ${endpoint.path} request`] = endpoint.request;
  shapes[`${endpoint.method} ${endpoint.path} response`] = endpoint.response;
}

const hashOf = (shape: z.core.$ZodType): string =>
  createHash('sha256')
    .update(JSON.stringify(z.toJSONSchema(shape)))
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
