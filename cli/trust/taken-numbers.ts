import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { rulesVersionOf } from '#shared/contract/signed-documents.ts';
import { signedRules } from '#shared/repository/author.ts';
import type { Signer } from '#shared/signing/port.ts';
import type { CommandContext } from '../commands/context.ts';
import { inWords } from './faults.ts';
import { fileReader, type SignedState } from './signed-state.ts';

/**
 * Numbers of rules follow from revisions, and somebody who had the publisher's role may have taken the next one. Such revisions
 * are written with the rules of before, so that the one after them can be published.
 *
 * @returns the stored revision; the number of the next one is free
 */
export async function passTakenNumbers(
  context: CommandContext,
  { book, storedRevision }: Pick<SignedState, 'book' | 'storedRevision'>,
  signer: Signer,
): Promise<number> {
  const read = fileReader(context);
  for (let revision = storedRevision; ; revision += 1) {
    const next = { kind: 'metadata', role: 'rules', version: rulesVersionOf(revision + 1) } as const;
    if ((await read(next)) === undefined) return revision;
    context.io.stderr.write(
      `warning: the number of revision ${revision + 1} is taken in the repository: it is left out\n`,
    );
    await putAgain(context, { book, signer, revision, comment: 'the number of this revision is taken' });
  }
}

/**
 * Puts the signed rules in the place of stored ones that nobody signed, or that are older. A change of keys needs that: it is
 * for the rules that are stored.
 *
 * @returns the same state, with a stored revision that can be followed
 */
export async function overUnsigned(context: CommandContext, state: SignedState, signer: Signer): Promise<SignedState> {
  const { book, revision, storedRevision } = state;
  let stored = storedRevision;
  if (stored !== revision) {
    context.io.stderr.write(
      `warning: administrators signed revision ${revision} last, and revision ${stored} is stored: the signed one takes its place\n`,
    );
    await putAgain(context, { book, signer, revision: stored, comment: 'signed rules in the place of others' });
    stored += 1;
  }
  return { ...state, storedRevision: await passTakenNumbers(context, { book, storedRevision: stored }, signer) };
}

/** Writes a book that was signed before as the revision after this one. @throws CliError `conflict` */
export async function putAgain(
  context: CommandContext,
  {
    book,
    signer,
    revision,
    comment,
  }: { readonly book: RuleBook; readonly signer: Signer; readonly revision: number; readonly comment: string },
): Promise<void> {
  const signed = await inWords(() => signedRules(book, revision + 1, signer, context.now()));
  await context.call(operatorEndpoints.putRules, {
    body: { version: 2, expectedRevision: revision, comment, book, signed },
  });
}
