/** One row per route; longer than other files because a table is read best in one piece. */
import * as z from 'zod/mini';
import { auditAnchorsPage, auditPage } from '../audit.ts';
import { command, commandsPage, commandView, createdCommand, newCommand } from '../commands.ts';
import type { Endpoint } from '../endpoint.ts';
import { cleaningWishes } from '../messages/clean-payloads.ts';
import { syncWishes } from '../messages/sync-index.ts';
import { newUploads, uploadsAnswer } from '../packages.ts';
import { rulesChange, rulesDocument } from '../rules.ts';
import { createdToken, newToken, tokensPage, tokenView } from '../tokens.ts';
import { trustChange, trustChangeAnswer, trustFile, trustView } from '../trust.ts';
import { cleaningRun } from './cleaning.ts';
import { groupsView, groupView, hostsPage, hostView, reportedUpdatesPage, revocation } from './hosts.ts';
import { indexView, syncRun } from './index-sync.ts';
import { explanation, impact, impactQuestion, rulesHistory, rulesRevision } from './rules.ts';
import { updatesPage, updateView } from './updates.ts';
import {
  fileOrder,
  fileOrderAnswer,
  filesPage,
  fileView,
  meView,
  requestsPage,
  statusView,
  sweepResult,
} from './views.ts';

const empty = z.object({});

/** The operators' API: what the command line and the console can do. */
export const operatorEndpoints = {
  getMe: { method: 'GET', path: '/v1/me', summary: 'Who is asking', access: 'viewer', response: meView },
  getStatus: {
    method: 'GET',
    path: '/v1/status',
    summary: 'The fleet in numbers',
    access: 'viewer',
    response: statusView,
  },

  getIndex: {
    method: 'GET',
    path: '/v1/index',
    summary: 'Current index and the last refused one',
    access: 'viewer',
    response: indexView,
  },
  startSync: {
    method: 'POST',
    path: '/v1/index/syncs',
    summary: 'Ask Microsoft for a new index now',
    access: 'operator',
    request: syncWishes,
    response: syncRun,
  },
  getSync: {
    method: 'GET',
    path: '/v1/index/syncs/{runId}',
    summary: 'How that run goes',
    access: 'viewer',
    response: syncRun,
  },

  listUpdates: {
    method: 'GET',
    path: '/v1/updates',
    summary: 'Updates of a KB, those that left the index among them',
    access: 'viewer',
    response: updatesPage,
    query: ['kb', 'cursor', 'limit'],
  },
  listReportedUpdates: {
    method: 'GET',
    path: '/v1/updates/reported',
    summary: 'Updates that hosts reported, with the number of hosts by state',
    access: 'viewer',
    response: reportedUpdatesPage,
    query: ['kb', 'state', 'group', 'cursor', 'limit'],
  },
  getUpdate: {
    method: 'GET',
    path: '/v1/updates/{updateId}',
    summary: 'One update and its files',
    access: 'viewer',
    response: updateView,
  },

  listFiles: {
    method: 'GET',
    path: '/v1/files',
    summary: 'Files that the repository holds',
    access: 'viewer',
    response: filesPage,
    query: ['cursor', 'limit'],
  },
  getFile: {
    method: 'GET',
    path: '/v1/files/{sha1}',
    summary: 'One file: facts, whether it is held, its request',
    access: 'viewer',
    response: fileView,
  },

  requestFiles: {
    method: 'POST',
    path: '/v1/files/requests',
    summary: 'Ask for files, also for those that were given up; the next sweep fetches them',
    access: 'operator',
    request: fileOrder,
    response: fileOrderAnswer,
  },
  startCleaning: {
    method: 'POST',
    path: '/v1/files/cleanings',
    summary: 'Take out of the repository what no host needs, or say what that would be',
    access: 'operator',
    request: cleaningWishes,
    response: cleaningRun,
  },
  getCleaning: {
    method: 'GET',
    path: '/v1/files/cleanings/{runId}',
    summary: 'How that cleaning went',
    access: 'viewer',
    response: cleaningRun,
  },

  listRequests: {
    method: 'GET',
    path: '/v1/requests',
    summary: 'Files that hosts asked for',
    access: 'viewer',
    response: requestsPage,
    query: ['state', 'cursor', 'limit'],
  },
  startSweep: {
    method: 'POST',
    path: '/v1/requests/sweeps',
    summary: 'Put open requests on the queue now',
    access: 'operator',
    request: empty,
    response: sweepResult,
  },

  listHosts: {
    method: 'GET',
    path: '/v1/hosts',
    summary: 'Hosts, from a snapshot of at most five minutes',
    access: 'viewer',
    response: hostsPage,
    query: [
      'group',
      'state',
      'os',
      'name',
      'update',
      'updateState',
      'revoked',
      'seenBefore',
      'seenAfter',
      'sort',
      'order',
      'cursor',
      'limit',
    ],
  },
  getHost: {
    method: 'GET',
    path: '/v1/hosts/{machineId}',
    summary: 'One host and its last report, live',
    access: 'viewer',
    response: hostView,
  },
  revokeHost: {
    method: 'POST',
    path: '/v1/hosts/{machineId}/revocations',
    summary: 'Revoke the key of a host',
    access: 'administrator',
    request: revocation,
    response: hostView,
  },

  listGroups: {
    method: 'GET',
    path: '/v1/groups',
    summary: 'Groups of hosts in numbers',
    access: 'viewer',
    response: groupsView,
  },
  getGroup: {
    method: 'GET',
    path: '/v1/groups/{group}',
    summary: 'One group in numbers',
    access: 'viewer',
    response: groupView,
  },

  getRules: { method: 'GET', path: '/v1/rules', summary: 'Rules in force', access: 'viewer', response: rulesDocument },
  putRules: {
    method: 'PUT',
    path: '/v1/rules',
    summary: 'Replace the rules',
    access: 'administrator',
    request: rulesChange,
    response: rulesDocument,
  },
  listRulesRevisions: {
    method: 'GET',
    path: '/v1/rules/revisions',
    summary: 'Earlier rules, the newest first',
    access: 'viewer',
    response: rulesHistory,
    query: ['cursor', 'limit'],
  },
  getRulesRevision: {
    method: 'GET',
    path: '/v1/rules/revisions/{revision}',
    summary: 'Rules as they were',
    access: 'viewer',
    response: rulesRevision,
  },
  explainRules: {
    method: 'GET',
    path: '/v1/rules/explanations/{machineId}',
    summary: 'Why updates are allowed on a host, or not',
    access: 'viewer',
    response: explanation,
    query: ['kb', 'update'],
  },
  askImpact: {
    method: 'POST',
    path: '/v1/rules/impacts',
    summary: 'What a change of the rules would do to the fleet',
    access: 'viewer',
    request: impactQuestion,
    response: impact,
    safe: true,
  },

  getTrust: {
    method: 'GET',
    path: '/v1/trust',
    summary: 'The signed repository: who signs what, and until when that is good',
    access: 'viewer',
    response: trustView,
  },
  getTrustFile: {
    method: 'GET',
    path: '/v1/trust/files',
    summary: 'One signed file as it is published, to be proved by whoever asks',
    access: 'viewer',
    response: trustFile,
    query: ['key'],
  },
  changeTrust: {
    method: 'POST',
    path: '/v1/trust/changes',
    summary: 'Publish what administrators signed',
    access: 'administrator',
    request: trustChange,
    response: trustChangeAnswer,
  },

  listCommands: {
    method: 'GET',
    path: '/v1/commands',
    summary: 'Commands, the newest first',
    access: 'viewer',
    response: commandsPage,
    query: ['cursor', 'limit'],
  },
  createCommand: {
    method: 'POST',
    path: '/v1/commands',
    summary: 'Tell hosts to scan, download, install or report',
    access: 'operator',
    request: newCommand,
    response: createdCommand,
  },
  getCommand: {
    method: 'GET',
    path: '/v1/commands/{commandId}',
    summary: 'One command and how it ended on each host',
    access: 'viewer',
    response: commandView,
    query: ['cursor', 'limit'],
  },
  cancelCommand: {
    method: 'POST',
    path: '/v1/commands/{commandId}/cancellations',
    summary: 'Tell no more hosts',
    access: 'operator',
    request: empty,
    response: command,
  },

  listTokens: {
    method: 'GET',
    path: '/v1/tokens',
    summary: 'Enrolment tokens, without their secrets',
    access: 'administrator',
    response: tokensPage,
    query: ['cursor', 'limit'],
  },
  createToken: {
    method: 'POST',
    path: '/v1/tokens',
    summary: 'Make an enrolment token',
    access: 'administrator',
    request: newToken,
    response: createdToken,
  },
  getToken: {
    method: 'GET',
    path: '/v1/tokens/{tokenId}',
    summary: 'One enrolment token, without its secret',
    access: 'administrator',
    response: tokenView,
  },
  revokeToken: {
    method: 'POST',
    path: '/v1/tokens/{tokenId}/revocations',
    summary: 'Let nobody enrol with a token any more',
    access: 'administrator',
    request: empty,
    response: tokenView,
  },

  openUploads: {
    method: 'POST',
    path: '/v1/packages/uploads',
    summary: "Addresses that files of an administrator's own package are uploaded to",
    access: 'operator',
    request: newUploads,
    response: uploadsAnswer,
  },

  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    summary: 'Who changed what, the oldest first',
    access: 'operator',
    response: auditPage,
    query: ['from', 'order', 'cursor', 'limit'],
  },
  listAuditAnchors: {
    method: 'GET',
    path: '/v1/audit/anchors',
    summary: 'Heads of the audit chain, day by day, as kept under object lock',
    access: 'operator',
    response: auditAnchorsPage,
    query: ['cursor', 'limit'],
  },
} as const satisfies Record<string, Endpoint>;
