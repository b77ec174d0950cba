import { joinToken, splitToken } from '#shared/contract/agent/enrolment.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { newToken, type TokenView } from '#shared/contract/tokens.ts';
import { CliError } from '../cli-error.ts';
import { type ConfirmFlags, confirm, requireYes } from '../confirm.ts';
import { counted } from '../counted.ts';
import { readGroupName, readTokenId } from '../ids.ts';
import { type ExitCode, exitCodes, printJson, printLines, printTable, printUnreadable } from '../io.ts';
import { pagesOf } from '../pages.ts';
import { readDuration } from '../times.ts';
import type { CommandContext } from './context.ts';

export interface CreateTokenFlags {
  readonly group: string;
  readonly uses: string;
  /** How long it may be used, as a duration. */
  readonly expires: string;
  readonly replace?: boolean;
  readonly note?: string;
}

/**
 * `kbroker tokens create`: makes an enrolment token. It is printed this once, with the command that enrols a host; the
 * broker keeps no more than a digest.
 *
 * @throws CliError `usage` before anything is sent, when a value is none
 */
export async function createToken(context: CommandContext, flags: CreateTokenFlags): Promise<ExitCode> {
  const pin = await context.trust.read();
  const wanted = parseInWords(newToken, {
    version: 1,
    group: readGroupName(flags.group),
    uses: /^\d{1,9}$/.test(flags.uses) ? Number(flags.uses) : flags.uses,
    expiresInSeconds: readDuration(flags.expires),
    ...(flags.replace === true && { replace: true }),
    ...(pin !== undefined && { rootSha256: pin.rootSha256 }),
    ...(flags.note !== undefined && { note: flags.note }),
  });
  if (!wanted.success) throw new CliError('usage', `not a token: ${inOneLine(wanted.faults)}`);
  const answer = await context.call(operatorEndpoints.createToken, { body: wanted.data });
  const created = { ...answer, token: carrying(answer.token, pin?.rootSha256, wanted.data.group) };
  if (pin === undefined)
    context.io.stderr.write(
      'no root is pinned here, so the token carries none: a host that enrols with it installs nothing\n',
    );
  if (context.json) {
    printJson(context.io, created);
    return exitCodes.ok;
  }
  const { token, view } = created;
  printLines(context.io, [
    token,
    '',
    `for ${view.uses} ${view.uses === 1 ? 'host' : 'hosts'} of group ${view.group}, until ${view.expiresAt}; it is not shown again. On a host:`,
    `  kbroker-agent enroll --server ${context.apiUrl.origin} --token ${token}`,
  ]);
  return exitCodes.ok;
}

/** The token with the root and group that this machine knows, whatever the broker's answer has in their place. */
function carrying(token: string, rootSha256: string | undefined, group: string): string {
  const parts = splitToken(token);
  if (parts === undefined) throw new CliError('bad-answer', 'the broker gave a token that is none');
  const { tokenId, secret } = parts;
  return joinToken({ tokenId, secret, ...(rootSha256 !== undefined && { rootSha256, group }) });
}

/** `kbroker tokens list`: enrolment tokens without their secrets, all pages. */
export async function listTokens(context: CommandContext): Promise<ExitCode> {
  const tokens: TokenView[] = [];
  const unreadable: string[] = [];
  for await (const page of pagesOf((at) => context.call(operatorEndpoints.listTokens, { query: at }))) {
    tokens.push(...page.tokens);
    unreadable.push(...page.unreadable);
  }
  if (context.json) printJson(context.io, { version: 1, tokens, unreadable });
  else if (tokens.length === 0) context.io.stdout.write('no tokens\n');
  else
    printTable(
      context.io,
      ['ID', 'GROUP', 'STATE', 'USED', 'EXPIRES', 'CREATED BY', 'NOTE'],
      tokens.map((token) => [
        token.tokenId,
        token.group,
        stateOf(token, context.now()),
        `${token.used}/${token.uses}`,
        token.expiresAt,
        token.createdBy,
        token.note ?? '',
      ]),
    );
  printUnreadable(context.io, unreadable);
  return exitCodes.ok;
}

/** `kbroker tokens show ID`. */
export async function showToken(context: CommandContext, id: string): Promise<ExitCode> {
  print(context, await context.call(operatorEndpoints.getToken, { params: { tokenId: readTokenId(id) } }));
  return exitCodes.ok;
}

/**
 * `kbroker tokens revoke ID`: nobody can enrol with it any more; hosts that did stay enrolled.
 *
 * @throws CliError `usage` before anything is sent, when nobody can be asked and `--yes` is missing
 */
export async function revokeToken(context: CommandContext, id: string, flags: ConfirmFlags): Promise<ExitCode> {
  const tokenId = readTokenId(id);
  requireYes(context.io, 'revoking a token', flags);
  await confirm(context.io, `Revoke the token ${tokenId}?`, flags);
  print(context, await context.call(operatorEndpoints.revokeToken, { params: { tokenId }, body: {} }));
  return exitCodes.ok;
}

function stateOf({ revokedAt, expiresAt, used, uses }: TokenView, now: Date): string {
  if (revokedAt !== undefined) return 'revoked';
  if (Date.parse(expiresAt) <= now.getTime()) return 'expired';
  return used >= uses ? 'used up' : 'good';
}

function print({ io, json, now }: CommandContext, token: TokenView): void {
  if (json) {
    printJson(io, token);
    return;
  }
  printLines(io, [
    `${token.tokenId}: ${stateOf(token, now())}`,
    `  group ${token.group}, ${token.used} of ${counted(token.uses, 'use')} spent`,
    `  created ${token.createdAt} by ${token.createdBy}, expires ${token.expiresAt}`,
    ...(token.revokedAt === undefined ? [] : [`  revoked ${token.revokedAt}`]),
    ...(token.replace ? ['  may give a new key to a machine that is enrolled'] : []),
    ...(token.rootSha256 === undefined ? [] : [`  carries the repository's root ${token.rootSha256}`]),
    ...(token.note === undefined ? [] : [`  note: ${token.note}`]),
  ]);
}
