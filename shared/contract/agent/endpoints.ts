import type { Endpoint } from '../endpoint.ts';
import { updateLookup, updateLookupAnswer } from '../rules.ts';
import { checkIn, checkInAnswer } from './check-in.ts';
import { enrolment, enrolmentAnswer } from './enrolment.ts';
import { fileLookup, fileLookupAnswer } from './files.ts';
import { reportAnswer, reportMessage } from './report.ts';

/** The agents' API: everything a host may say and ask. */
export const agentEndpoints = {
  enrol: {
    method: 'POST',
    path: '/v1/agent/enrolments',
    summary: 'Enrol a host with a token',
    access: 'enrolment-token',
    request: enrolment,
    response: enrolmentAnswer,
  },
  checkIn: {
    method: 'POST',
    path: '/v1/agent/check-ins',
    summary: 'Say that nothing changed, and ask for rules, commands and cookies',
    access: 'host',
    request: checkIn,
    response: checkInAnswer,
  },
  lookupFiles: {
    method: 'POST',
    path: '/v1/agent/files/lookup',
    summary: 'Which files are in the repository',
    access: 'host',
    request: fileLookup,
    response: fileLookupAnswer,
  },
  lookupUpdates: {
    method: 'POST',
    path: '/v1/agent/updates/lookup',
    summary: 'When updates were first published, which delays are counted from',
    access: 'host',
    request: updateLookup,
    response: updateLookupAnswer,
  },
  postReport: {
    method: 'POST',
    path: '/v1/agent/reports',
    summary: 'Report of one host, whole or as changes',
    access: 'host',
    request: reportMessage,
    response: reportAnswer,
  },
} as const satisfies Record<string, Endpoint>;
