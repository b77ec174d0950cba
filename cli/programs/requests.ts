import { Option } from 'commander';
import { fileRequestStates } from '#shared/contract/requests.ts';
import { listRequests, type RequestsFlags, sweepRequests } from '../commands/requests.ts';
import type { AddCommands } from './kit.ts';

/** `kbroker requests`. */
export const addRequestsCommands: AddCommands = (program, { sub, online }) => {
  const requests = sub(program, 'requests', 'files that hosts asked for');
  sub(requests, 'list', 'list them')
    .addOption(new Option('--state <state>', 'only this state').choices(fileRequestStates))
    .option('--watch', 'list again until none of them is to be fetched any more, and tell how far that is')
    .action(online((context, flags: RequestsFlags) => listRequests(context, flags)));
  sub(requests, 'sweep', 'queue open requests now').action(online((context) => sweepRequests(context)));
};
