import { readFile, writeFile } from 'node:fs/promises';
import * as z from 'zod/mini';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { revisionOfRules } from '#shared/contract/signed-documents.ts';
import { type SignedDocument, signedDocument } from '#shared/contract/trust.ts';
import { parseMetadata, textOf } from '#shared/repository/metadata.ts';
import { type Published, readPublished } from '#shared/repository/published.ts';
import { RepositoryError } from '#shared/repository/repository-error.ts';
import { checkChange } from '#shared/repository/verify-change.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../commands/context.ts';
import { type ExitCode, exitCodes, printJson, printLines } from '../io.ts';
import { inWords } from './faults.ts';
import { fileReader, type SignedState } from './signed-state.ts';

/** A change that lacks signatures, as administrators hand it to each other. */
const changeFile = z.object({
  version: z.literal(1),
  /** What it does, in words. */
  what: z.string(),
  documents: z.array(signedDocument).check(z.minLength(1), z.maxLength(5)),
});
export type ChangeFile = z.infer<typeof changeFile>;

/** @throws CliError `usage` */
export async function readChange(file: string): Promise<ChangeFile> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new CliError('usage', `${file} holds no change: ${String(cause)}`, { cause });
  }
  const parsed = parseInWords(changeFile, value);
  if (parsed.success) return parsed.data;
  throw new CliError('usage', `${file} holds no change: ${inOneLine(parsed.faults)}`);
}

export interface SubmitOptions {
  /** Where the change is written when it lacks signatures. */
  readonly out: string;
  readonly state: SignedState;
}

/**
 * Publishes a change when enough administrators signed it, and waits until it is out; else writes it to a file, for the next
 * one to sign.
 *
 * @throws CliError `refused` for a change that no further signature would make good
 */
export async function submit(
  context: CommandContext,
  change: ChangeFile,
  { out, state }: SubmitOptions,
): Promise<ExitCode> {
  const lacking = await lackOf(context, change.documents, state);
  if (lacking !== undefined) {
    await writeFile(out, `${JSON.stringify(change, null, 2)}\n`, { mode: 0o600 }).catch((cause: unknown) => {
      throw new CliError('usage', `${out} cannot be written: ${String(cause)}`, { cause });
    });
    if (context.json) printJson(context.io, { version: 1, state: 'unsigned', file: out, lacking });
    else
      printLines(context.io, [
        `${change.what}: not published yet, ${lacking}`,
        `${out} has the change; the next administrator signs it: kbroker trust sign ${out}`,
      ]);
    return exitCodes.ok;
  }
  await context.call(operatorEndpoints.changeTrust, {
    body: { version: 1, documents: [...change.documents], comment: change.what },
  });
  await waitUntilOut(context, change.documents);
  if (context.json) printJson(context.io, { version: 1, state: 'published' });
  else printLines(context.io, [`${change.what}: published; hosts follow at their next check-in`]);
  return exitCodes.ok;
}

/** What signatures are missing, in words; undefined when there are enough. */
async function lackOf(
  { call, now }: CommandContext,
  documents: readonly SignedDocument[],
  { parts, book, published }: SignedState,
): Promise<string | undefined> {
  const { onlineKey } = await call(operatorEndpoints.getTrust);
  const text = documents.find(({ role }) => role === 'rules')?.text;
  const others = documents.filter(({ role }) => role !== 'rules');
  try {
    const rules =
      text === undefined
        ? undefined
        : { revision: revisionOfRules(parseMetadata('rules', text).signed.version), book, text };
    checkChange(others, rules, {
      // In place of what is published and forged, what was signed last.
      current: published && { ...published, ...parts },
      onlineKey: onlineKey.publicKey,
      now: now(),
    });
    return undefined;
  } catch (error) {
    if (
      error instanceof RepositoryError &&
      error.code === 'unsigned' &&
      error.message.includes('signatures that count')
    )
      return error.message;
    return inWords(() => {
      throw error;
    });
  }
}

const pollMilliseconds = 1000;
/** The publisher is a queue away; a run that fails comes again after six minutes, which nobody waits for here. */
const maxPolls = 60;

/** Whether another document has the number of this one, or a later one. */
function isOvertaken(role: SignedDocument['role'], text: string, published: Published): boolean {
  return textOf(published[role]) !== text && published[role].signed.version >= parseMetadata(role, text).signed.version;
}

/** Waits until the published version has these documents. @throws CliError `refused` when it does not come to be */
export async function waitUntilOut(context: CommandContext, documents: readonly SignedDocument[]): Promise<void> {
  const read = fileReader(context);
  const [first] = await inWords(() => documents.map(({ role, text }) => parseMetadata(role, text)));
  const [{ role } = { role: undefined }] = documents;
  for (let polls = 0; polls < maxPolls; polls += 1) {
    // Its own file is there before a version that names it is: one request, as long as there is nothing to see.
    const here = role === undefined || (await read({ kind: 'metadata', role, version: first?.signed.version ?? 1 }));
    if (here === undefined) {
      await context.sleep(pollMilliseconds);
      continue;
    }
    const published = await inWords(() => readPublished(read));
    const out = published && documents.every(({ role, text }) => textOf(published[role]) === text);
    if (out) return;
    const overtaken = published && documents.find(({ role, text }) => isOvertaken(role, text, published));
    if (overtaken !== undefined)
      throw new CliError('conflict', `somebody else changed ${overtaken.role} at the same time: do it again`);
    await context.sleep(pollMilliseconds);
  }
  throw new CliError(
    'refused',
    `the change was accepted and is not published after ${maxPolls} seconds; "kbroker trust status" shows when it is, docs/operating.md what may be wrong`,
  );
}
