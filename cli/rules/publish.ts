import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { Impact, VerdictOnHosts } from '#shared/contract/operators/rules.ts';
import type { RuleBook, RulesDocument } from '#shared/contract/rules.ts';
import { signedRules } from '#shared/repository/author.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../commands/context.ts';
import { type ConfirmFlags, confirm, requireYes } from '../confirm.ts';
import { type CliIo, type ExitCode, exitCodes, printJson, printLines, printTable } from '../io.ts';
import { describeAge } from '../times.ts';
import { inWords } from '../trust/faults.ts';
import { openKey, readSignedState, warnOf } from '../trust/signed-state.ts';
import { passTakenNumbers } from '../trust/taken-numbers.ts';
import { isSameBook } from './book.ts';

/** Flags of every command that changes the rules. */
export interface PublishFlags extends ConfirmFlags {
  /** Why; stays with the revision. */
  readonly comment?: string;
  /** Only says what it would do. */
  readonly dryRun?: boolean;
  /** False: the impact is not asked for. */
  readonly impact?: boolean;
  /** Key to sign with. @default - the one of `trust init` or `trust pin` */
  readonly key?: string;
}

/** What a command makes of the rules in force. */
export interface Change {
  readonly book: RuleBook;
  /** What was changed, in words; printed after it was done. */
  readonly said: readonly string[];
}

/**
 * Changes the rules: reads them, shows what the change would do to the fleet, asks, and writes; refused when somebody else
 * was faster. The same rules are not written again.
 *
 * @throws CliError `usage` before anything is sent, when nobody can be asked and `--yes` is missing; `refused` when the
 *   answer is not yes; `conflict` when somebody else changed the rules meanwhile
 */
export async function changeRules(
  context: CommandContext,
  flags: PublishFlags,
  change: (current: RulesDocument) => Change | Promise<Change>,
): Promise<ExitCode> {
  if (flags.dryRun !== true) requireYes(context.io, 'what hosts install by new rules', flags);
  if (flags.comment !== undefined && flags.comment.length > 1024)
    throw new CliError('usage', `--comment: has ${flags.comment.length} characters, at most 1024 are kept`);
  const { current, sign } = await rulesInForce(context, flags);
  const { book, said } = await change(current);
  if (isSameBook(book, current.book)) {
    context.io.stderr.write('these rules are in force already: no new revision was written\n');
    if (context.json) printJson(context.io, current);
    return exitCodes.ok;
  }
  if (flags.impact !== false) await showImpact(context, book, flags);
  if (flags.dryRun === true) {
    if (!context.json) printLines(context.io, ['not written: --dry-run']);
    return exitCodes.ok;
  }
  await confirm(context.io, `Publish these rules as revision ${current.revision + 1}?`, flags);
  const { expectedRevision, ...signed } = await sign(book);
  const written = await context.call(operatorEndpoints.putRules, {
    body: {
      version: 2,
      expectedRevision,
      ...(flags.comment !== undefined && { comment: flags.comment }),
      book,
      ...signed,
    },
  });
  if (context.json) printJson(context.io, written);
  else printLines(context.io, [...said, inForce(written.revision, signed)]);
  return exitCodes.ok;
}

const inForce = (revision: number, { signed }: { readonly signed?: string }): string =>
  signed === undefined
    ? `revision ${revision} is in force, and not signed: hosts get it after "kbroker trust init"`
    : `revision ${revision} is in force; hosts get it at their next check-in`;

/** The rules to begin with, and what signs those that follow. */
interface RulesInForce {
  readonly current: RulesDocument;
  /** Signs new ones for the revision after the expected one. */
  readonly sign: (book: RuleBook) => Promise<{ readonly expectedRevision: number; readonly signed?: string }>;
}

/**
 * Where a root is pinned, the rules that administrators signed: the next ones are made from them and signed, never from what
 * the API tells. Without one, what the API tells.
 *
 * @throws CliError `refused` when what the API has in force is not what is signed
 */
async function rulesInForce(context: CommandContext, flags: PublishFlags): Promise<RulesInForce> {
  const pin = await context.trust.read();
  if (pin === undefined) {
    const current = await context.call(operatorEndpoints.getRules);
    return { current, sign: async () => ({ expectedRevision: current.revision }) };
  }
  const signer = flags.dryRun === true ? undefined : await openKey(pin, flags.key);
  const current = await context.call(operatorEndpoints.getRules);
  const state = await readSignedState(context, pin);
  const { revision, book } = state;
  warnOf(context, state);
  if (current.revision !== revision)
    throw new CliError(
      'refused',
      `the broker has rules of revision ${current.revision}, and those that administrators signed last are of revision ${revision}: somebody wrote into the table, or it was put back (docs/operating.md, "Alarm: repository-refused"); "kbroker rules recover" puts the signed ones there`,
    );
  return {
    current: { ...current, book },
    async sign(next) {
      if (signer === undefined) return { expectedRevision: current.revision };
      const expectedRevision = await passTakenNumbers(context, state, signer);
      const signed = await inWords(() => signedRules(next, expectedRevision + 1, signer, context.now()));
      return { expectedRevision, signed };
    },
  };
}

/** With `--json` the impact is the output of a dry run, and otherwise the new rules are. */
async function showImpact(context: CommandContext, book: RuleBook, { dryRun }: PublishFlags): Promise<void> {
  const impact = await context.call(operatorEndpoints.askImpact, { body: { version: 2, book } });
  if (!context.json) printImpact(context.io, impact);
  else if (dryRun === true) printJson(context.io, impact);
}

/** What a change would do, for people. */
export function printImpact(io: CliIo, impact: Impact): void {
  const { changes, total, hosts, revision, unknown } = impact;
  if (total === 0) printLines(io, ['no verdict changes on any host']);
  else {
    const verdicts = total === 1 ? '1 verdict changes' : `${total} verdicts change`;
    printLines(io, [`${verdicts}, on ${hosts} ${hosts === 1 ? 'host' : 'hosts'}:`]);
    printTable(
      io,
      ['HOSTS', 'WHERE', 'KB', 'TITLE', 'BEFORE', 'AFTER', 'REASON'],
      changes.map(({ hosts: count, group, machineId, kbs, title, updateId, before, after }) => [
        String(count),
        machineId === undefined ? group : `${group}, host ${machineId}`,
        kbs.map((kb) => `KB${kb}`).join(' '),
        title ?? updateId,
        wordOf(before),
        wordOf(after),
        after.switchedOff === undefined ? after.reason : `${after.switchedOff}; otherwise ${after.reason}`,
      ]),
    );
    if (total > changes.length) printLines(io, [`and ${total - changes.length} more, on fewer hosts each`]);
  }
  if (unknown !== undefined && unknown > 0)
    printLines(io, [`${unknown} updates that hosts need are in no publication here, and could not be judged`]);
  io.stderr.write(`compared with revision ${revision}; hosts ${describeAge(impact)}\n`);
}

const words: Readonly<Record<VerdictOnHosts['code'], string>> = {
  forbidden: 'forbidden',
  held: 'held',
  allowed: 'allowed',
  'servicing-stack': 'allowed',
  delayed: 'delayed',
  'default-allow': 'allowed',
  'default-deny': 'not allowed',
};

function wordOf({ code, until, switchedOff }: VerdictOnHosts): string {
  const word = until === undefined ? words[code] : `${words[code]} until ${until.slice(0, 10)}`;
  return switchedOff === undefined ? word : `off (${word})`;
}
