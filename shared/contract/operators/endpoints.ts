import * as z from 'zod/mini';
import type { Endpoint } from '../endpoint.ts';
import { syncWishes } from '../messages/sync-index.ts';
import { rulesChange, rulesDocument } from '../rules.ts';
import { indexView, syncRun } from './index-sync.ts';
import { updatesPage, updateView } from './updates.ts';
import { hostsPage, hostView, requestsPage, statusView, sweepResult } from './views.ts';

const empty = z.object({});

/** The operators' API: what the command line (and later the console) can do. */
export const operatorEndpoints = {
  getStatus: { method: 'GET', path: '/v1/status', summary: 'The fleet in numbers', response: statusView },
  getIndex: {
    method: 'GET',
    path: '/v1/index',
    summary: 'Current index and the last refused one',
    response: indexView,
  },
  startSync: {
    method: 'POST',
    path: '/v1/index/syncs',
    summary: 'Ask Microsoft for a new index now',
    request: syncWishes,
    response: syncRun,
  },
  getSync: { method: 'GET', path: '/v1/index/syncs/{runId}', summary: 'How that run goes', response: syncRun },
  listUpdates: {
    method: 'GET',
    path: '/v1/updates',
    summary: 'Updates of a KB, those that left the index among them',
    response: updatesPage,
    query: ['kb', 'cursor', 'limit'],
  },
  getUpdate: {
    method: 'GET',
    path: '/v1/updates/{updateId}',
    summary: 'One update and its files',
    response: updateView,
  },
  listRequests: {
    method: 'GET',
    path: '/v1/requests',
    summary: 'Files that hosts asked for',
    response: requestsPage,
    query: ['state', 'cursor', 'limit'],
  },
  startSweep: {
    method: 'POST',
    path: '/v1/requests/sweeps',
    summary: 'Put open requests on the queue now',
    request: empty,
    response: sweepResult,
  },
  listHosts: { method: 'GET', path: '/v1/hosts', summary: 'Hosts', response: hostsPage, query: ['cursor', 'limit'] },
  getHost: {
    method: 'GET',
    path: '/v1/hosts/{machineId}',
    summary: 'One host and its last report',
    response: hostView,
  },
  getRules: { method: 'GET', path: '/v1/rules', summary: 'Rules in force', response: rulesDocument },
  putRules: {
    method: 'PUT',
    path: '/v1/rules',
    summary: 'Replace the rules',
    request: rulesChange,
    response: rulesDocument,
  },
} as const satisfies Record<string, Endpoint>;
