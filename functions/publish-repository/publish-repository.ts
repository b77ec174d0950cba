import { canonicalJson } from '#shared/contract/canonical-json.ts';
import type { PublishRepositoryMessage } from '#shared/contract/messages/publish-repository.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import type { SignedDocument } from '#shared/contract/trust.ts';
import { isDue, signFeed } from '#shared/repository/compose.ts';
import { type RoleMetadata, signaturesOf } from '#shared/repository/metadata.ts';
import { type Published, readPublished } from '#shared/repository/published.ts';
import { RepositoryError } from '#shared/repository/repository-error.ts';
import { documentsOfRules } from '#shared/repository/targets.ts';
import { type CheckedChange, checkChange, type SignedRules } from '#shared/repository/verify-change.ts';
import { type Offer, offerOf } from './offer.ts';
import type { PublishPorts } from './ports.ts';
import { NumberTaken, type Written, writeFirst, writeVersion } from './write-version.ts';

/** What one message came to. */
export interface PublishReport {
  /**
   * - `published`: there is a new version.
   * - `unchanged`: all that is there is right, and signed lately.
   * - `uninitialized`: nobody ran `kbroker trust init` yet.
   * - `refused`: administrators' documents do not count; what was published before stays.
   */
  readonly outcome: 'published' | 'unchanged' | 'uninitialized' | 'refused';
  /** Of the timestamp. */
  readonly version?: number;
  /** Why something was refused. */
  readonly reason?: string;
  /** Age of the timestamp after the run. Seconds. */
  readonly ageSeconds?: number;
  /** Groups without a catalogue; see {@link Offer}. */
  readonly groupsLeftOut?: number;
}

/**
 * Brings the repository up to what is stored: rules at each message, index and held files at those of the feed. So a message that
 * got lost is made up for by the sweep, and one that comes again finds nothing to do. Administrators' documents that do not count are refused
 * for good, in words; they must not hold up index and files.
 */
export async function publishRepository(
  ports: PublishPorts,
  message: PublishRepositoryMessage,
): Promise<PublishReport> {
  const current = await readPublished((key) => ports.repository.read(key));
  const documents = message.kind === 'documents' ? message.documents : [];
  if (current === undefined && documents.length === 0) return { outcome: 'uninitialized' };
  const context = { current, onlineKey: await ports.signer.publicKey(), now: ports.now() };
  const { change, book, reason } = await administrators(ports, documents, context);
  if (change === undefined) return { outcome: 'refused', reason: reason ?? '' };
  // Catalogues are made anew after a sweep or a new index, and not for each change of a rule.
  const offer = current === undefined || message.kind === 'feed' ? await offerOf(ports, book) : offerBefore(current);
  const { targets, documents: catalogs, groupsLeftOut } = offer;
  const feed = await feedOf(ports, targets, { before: current?.feed, delegations: change.targets });
  const contents = [...(change.rules === current?.rules ? [] : documentsOfRules(book)), ...catalogs];
  const next = { ...change, feed, feedTargets: targets };
  const write = (): Promise<Written> =>
    current === undefined ? writeFirst(ports, next, contents) : writeVersion(ports, current, next, contents);
  const written = await write().catch((error: unknown) => {
    if (error instanceof NumberTaken) return error;
    throw error;
  });
  if (written instanceof NumberTaken) return { outcome: 'refused', reason: written.message };
  return {
    outcome: reason !== undefined ? 'refused' : written.changed ? 'published' : 'unchanged',
    version: written.version,
    ageSeconds: written.ageSeconds,
    ...(reason !== undefined && { reason }),
    ...(groupsLeftOut > 0 && { groupsLeftOut }),
  };
}

/** What is offered already. */
const offerBefore = ({ feed }: Published): Offer => ({
  // As this publisher wrote it: the library's types say no more than JSON.
  targets: feed.signed.toJSON().targets as unknown as Offer['targets'],
  documents: [],
  groupsLeftOut: 0,
});

type Context = Parameters<typeof checkChange>[2];

/** What counts of administrators' roles: with the change, or, when that does not count, as it was. */
async function administrators(
  ports: PublishPorts,
  documents: readonly SignedDocument[],
  context: Context,
): Promise<{ readonly change?: CheckedChange; readonly book: SignedRules['book']; readonly reason?: string }> {
  const { revision, book } = await ports.rules.get();
  const text = await ports.rules.signed(revision);
  const rules = text === undefined ? undefined : { revision, book, text };
  const tries = [
    () => checkChange(documents, rules, context),
    // Without what was sent; and, when the stored rules do not count either, as it is published.
    ...(documents.length > 0 && context.current !== undefined ? [() => checkChange([], rules, context)] : []),
    ...(context.current !== undefined ? [() => checkChange([], undefined, context)] : []),
  ];
  const reasons: string[] = [];
  for (const attempt of tries) {
    try {
      const change = attempt();
      return { change, book, ...(reasons.length > 0 && { reason: reasons.join('; ') }) };
    } catch (error) {
      if (!(error instanceof RepositoryError)) throw error;
      reasons.push(error.message);
    }
  }
  return { book, reason: reasons.join('; ') };
}

/** The feed of before while it says the same, is young enough, and is signed by a key that still counts. */
async function feedOf(
  { signer, now }: PublishPorts,
  targets: Parameters<typeof signFeed>[0],
  {
    before,
    delegations,
  }: { readonly before: RoleMetadata<'feed'> | undefined; readonly delegations: RoleMetadata<'targets'> },
): Promise<RoleMetadata<'feed'>> {
  const at = now();
  if (before !== undefined) {
    const same = canonicalJson(before.signed.toJSON().targets) === canonicalJson(targets);
    const { signedBy, threshold } = signaturesOf(delegations, 'feed', before);
    if (same && !isDue('feed', before, at) && signedBy.length >= threshold) return before;
  }
  return signFeed(targets, (before?.signed.version ?? 0) + 1, { signer, now: at });
}

/** Metrics of a run. */
export const measurePublish = ({ outcome, ageSeconds }: PublishReport): Measurements => ({
  ...(outcome === 'published' && { RepositoryPublished: 1 }),
  ...(outcome === 'refused' && { RepositoryRefused: 1 }),
  // Before administrators began nothing grows old, and silence would ring the alarm.
  RepositoryAgeSeconds: outcome === 'uninitialized' ? 0 : (ageSeconds ?? 0),
});
