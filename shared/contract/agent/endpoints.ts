import type { Endpoint } from '../endpoint.ts';
import { rulesDocument } from '../rules.ts';
import { fileLookup, fileLookupAnswer } from './files.ts';
import { hostReport, reportAnswer } from './report.ts';

/** The agents' API: everything a host may say and ask. */
export const agentEndpoints = {
  getRules: { method: 'GET', path: '/v1/agent/rules', summary: 'Rules that judge updates', response: rulesDocument },
  lookupFiles: {
    method: 'POST',
    path: '/v1/agent/files/lookup',
    summary: 'Which files are in the repository',
    request: fileLookup,
    response: fileLookupAnswer,
  },
  postReport: {
    method: 'POST',
    path: '/v1/agent/reports',
    summary: 'Report of one host',
    request: hostReport,
    response: reportAnswer,
  },
} as const satisfies Record<string, Endpoint>;
