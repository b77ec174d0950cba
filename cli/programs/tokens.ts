import { type CreateTokenFlags, createToken, listTokens, revokeToken, showToken } from '../commands/tokens.ts';
import type { ConfirmFlags } from '../confirm.ts';
import type { AddCommands } from './kit.ts';

/** `kbroker tokens`. */
export const addTokensCommands: AddCommands = (program, { sub, online }) => {
  const tokens = sub(program, 'tokens', 'enrolment tokens, which let hosts in');
  sub(tokens, 'create', 'make one; it is printed this once')
    .requiredOption('--group <group>', 'group of the hosts that enrol with it')
    .option('--uses <count>', 'how many hosts may', '1')
    .option('--expires <duration>', 'how long it may be used: 15m, 12h, 7d', '1d')
    .option('--replace', 'may also give a new key to a machine that is enrolled, as after a new installation')
    .option('--note <text>', 'for people')
    .action(online((context, flags: CreateTokenFlags) => createToken(context, flags)));
  sub(tokens, 'list', 'list them, without their secrets').action(online((context) => listTokens(context)));
  sub(tokens, 'show', 'one of them')
    .argument('<token-id>')
    .action(online((context, id: string) => showToken(context, id)));
  sub(tokens, 'revoke', 'let nobody enrol with it any more; asks first')
    .argument('<token-id>')
    .option('--yes', 'do not ask')
    .action(online((context, id: string, flags: ConfirmFlags) => revokeToken(context, id, flags)));
};
