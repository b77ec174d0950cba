import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract/canonical-json.ts';
import type { RuleBook } from '../contract/rules.ts';
import { documentsOfBook, hostBinOf } from '../contract/signed-documents.ts';
import { sha256Of } from './metadata.ts';

/** A document that is a target: its bytes are the canonical JSON of its value. */
export interface TargetDocument {
  readonly path: string;
  readonly text: string;
  readonly sha256: string;
}

/** A target as metadata has it. */
export interface TargetEntry {
  readonly length: number;
  readonly hashes: { readonly sha256: string };
  readonly custom?: Readonly<Record<string, unknown>>;
}

export function targetDocument(path: string, value: unknown): TargetDocument {
  const text = canonicalJson(value);
  return { path, text, sha256: sha256Of(text) };
}

const entryOf = ({ text, sha256 }: TargetDocument): TargetEntry => ({
  length: Buffer.byteLength(text),
  hashes: { sha256 },
});

/**
 * Documents travel inside the metadata, as `custom.document`, when all of a role's that hosts read are small together: that
 * saves each host a request. Bytes.
 */
const inlineBytes = 4096;

/** Entries of these documents, by path. @param inline whether a document may travel inside the metadata */
export function targetEntries(
  documents: readonly TargetDocument[],
  inline: (document: TargetDocument) => boolean = () => false,
): Readonly<Record<string, TargetEntry>> {
  const small = documents.filter(inline);
  const fits = small.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) <= inlineBytes;
  const entries = documents.map((document): [string, TargetEntry] => {
    const entry = entryOf(document);
    const inside = fits && inline(document);
    return [document.path, inside ? { ...entry, custom: { document: JSON.parse(document.text) } } : entry];
  });
  return Object.fromEntries(entries);
}

/** SHA-256 of a machine id decides its bin. */
export const binOfHost = (machineId: string): string => hostBinOf(createHash('sha256').update(machineId).digest('hex'));

/** Documents of the role `rules` that follow from a book. @throws RangeError for a book of too many groups */
export const documentsOfRules = (book: RuleBook): readonly TargetDocument[] =>
  [...documentsOfBook(book, binOfHost)].map(([path, value]) => targetDocument(path, value));

/** What the metadata of the role `rules` names for a book. @throws RangeError for a book of too many groups */
export const targetsOfRules = (book: RuleBook): Readonly<Record<string, TargetEntry>> =>
  targetEntries(documentsOfRules(book), ({ path }) => path.split('/').length === 3);
