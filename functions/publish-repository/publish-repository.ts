import { canonicalJson } from '#shared/contract/canonical-json.ts';
import type { PublishRepositoryMessage } from '#shared/contract/messages/publish-repository.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import { revisionOfRules, rulesVersionOf } from '#shared/contract/signed-documents.ts';
import type { SignedDocument } from '#shared/contract/trust.ts';
import type { AdministratorsPart } from '#shared/repository/author.ts';
import { isDue, signFeed } from '#shared/repository/compose.ts';
import { type RoleMetadata, signaturesOf } from '#shared/repository/metadata.ts';
import { type Published, readPublished } from '#shared/repository/published.ts';
import { RepositoryError } from '#shared/repository/repository-error.ts';
import { documentsOfRules } from '#shared/repository/targets.ts';
import {
  type CheckedChange,
  checkChange,
  keepPublished,
  type SignedRules,
  signsAlone,
} from '#shared/repository/verify-change.ts';
import { type Offer, offerOf } from './offer.ts';
import type { PublishPorts } from './ports.ts';
import { ageOf, NumberTaken, type Written, writeVersion } from './write-version.ts';

/** What one message came to. */
export interface PublishReport {
  /**
   * - `published`: there is a new version.
   * - `unchanged`: all that is there is right, and signed lately.
   * - `uninitialized`: nobody ran `kbroker trust init` yet.
   * - `refused`: something that administrators sign does not count, `reason` says what; all else went on where hosts
   *   would believe it.
   */
  readonly outcome: 'published' | 'unchanged' | 'uninitialized' | 'refused';
  /** Of the timestamp. */
  readonly version?: number;
  /** Why something was refused. */
  readonly reason?: string;
  /** Age of the timestamp after the run, whatever it came to. Seconds. Absent before the first version, as `version` is. */
  readonly ageSeconds?: number;
  /** Until the first signature of administrators ends; negative when one has. Seconds. Absent before the first version. */
  readonly signaturesEndSeconds?: number;
  /** Groups without a catalogue; see {@link Offer}. */
  readonly groupsLeftOut?: number;
}

/**
 * Brings the repository up to what is stored: rules at each message, index and held files at those of the feed. So a message
 * that got lost is made up for by the sweep, and one that comes again finds nothing to do. Administrators' documents that do
 * not count are refused for good, in words; they must not hold up each other, nor index, files and timestamp.
 */
export async function publishRepository(
  ports: PublishPorts,
  message: PublishRepositoryMessage,
): Promise<PublishReport> {
  const current = await readPublished((key) => ports.repository.read(key));
  const documents = message.kind === 'documents' ? message.documents : [];
  if (current === undefined && documents.length === 0) return { outcome: 'uninitialized' };
  const contents = message.kind === 'documents' ? message.contents : undefined;
  const context = { current, onlineKey: await ports.signer.publicKey(), now: ports.now(), contents };
  const { revision, book } = await ports.rules.get();
  const text = await ports.rules.signed(revision);
  // Catalogues are made anew after a sweep or a new index, and not for each change of a rule.
  const offer = current === undefined || message.kind === 'feed' ? await offerOf(ports, book) : offerBefore(current);
  const { targets, documents: catalogs, groupsLeftOut } = offer;
  const write = async (change: CheckedChange): Promise<WrittenChange> => {
    const feed = await feedOf(ports, targets, { ...context, delegations: change.targets });
    const documentsOfVersion = [
      ...(change.rules === current?.rules ? [] : documentsOfRules(book)),
      ...change.packages,
      ...catalogs,
    ];
    return {
      ...(await writeVersion(ports, current, { ...change, feed, feedTargets: targets }, documentsOfVersion)),
      parts: change,
    };
  };
  const reasons = new Set<string>();
  if (text === undefined && current !== undefined && rulesVersionOf(revision) !== current.rules.signed.version)
    reasons.add(
      `nobody signed revision ${revision} of the rules; published is revision ${revisionOfRules(current.rules.signed.version)}`,
    );
  for (const attempt of attemptsOf(documents, text === undefined ? undefined : { revision, book, text }, context)) {
    const written = await writtenUnlessRefused(attempt, write);
    if (written instanceof RepositoryError) {
      reasons.add(written.message);
      continue;
    }
    return {
      outcome: reasons.size > 0 ? 'refused' : written.changed ? 'published' : 'unchanged',
      version: written.version,
      ageSeconds: written.ageSeconds,
      signaturesEndSeconds: endOf(written.parts, context.now),
      ...(reasons.size > 0 && { reason: [...reasons].join('; ') }),
      ...(groupsLeftOut > 0 && { groupsLeftOut }),
    };
  }
  return {
    outcome: 'refused',
    reason: [...reasons].join('; '),
    ...(current && {
      version: current.timestamp.signed.version,
      ageSeconds: ageOf(current.timestamp, context.now),
      signaturesEndSeconds: endOf(current, context.now),
    }),
  };
}

const endOf = ({ root, targets, rules, custom, agent }: AdministratorsPart, now: Date): number => {
  const ends = [root, targets, rules, custom, agent].map(({ signed }) => Date.parse(signed.expires));
  return Math.round((Math.min(...ends) - now.getTime()) / 1000);
};

/** What is offered already. */
const offerBefore = ({ feed }: Published): Offer => ({
  // As this publisher wrote it: the library's types say no more than JSON.
  targets: feed.signed.toJSON().targets as unknown as Offer['targets'],
  documents: [],
  groupsLeftOut: 0,
});

type Context = Parameters<typeof checkChange>[2];

interface WrittenChange extends Written {
  readonly parts: AdministratorsPart;
}

/**
 * What may be published, the most of it first: with what was sent and with the stored rules, without either, and at last what
 * is published as it is. A first version is whole or not at all.
 */
function attemptsOf(
  documents: readonly SignedDocument[],
  rules: SignedRules | undefined,
  context: Context,
): readonly (() => CheckedChange)[] {
  const { current, onlineKey } = context;
  if (current === undefined) return [() => checkChange(documents, rules, context)];
  const withOrWithoutRules = rules === undefined ? [undefined] : [rules, undefined];
  return [
    ...(documents.length === 0 ? [[]] : [documents, []]).flatMap((sent) =>
      withOrWithoutRules.map(
        (stored) => () => checkChange(sent, stored, sent === documents ? context : { ...context, contents: undefined }),
      ),
    ),
    () => keepPublished(current, onlineKey),
  ];
}

/** Proves and writes a change. @returns the reason where the next attempt may do better */
async function writtenUnlessRefused(
  attempt: () => CheckedChange,
  write: (change: CheckedChange) => Promise<WrittenChange>,
): Promise<WrittenChange | RepositoryError> {
  let change: CheckedChange;
  try {
    change = attempt();
  } catch (error) {
    if (error instanceof RepositoryError) return error;
    throw error;
  }
  try {
    return await write(change);
  } catch (error) {
    if (error instanceof NumberTaken) return error;
    throw error;
  }
}

/**
 * The feed of before while it says the same, is young enough, and is signed by a key that still counts; and while targets do not
 * name this broker's key yet, as a change of the online key that died leaves them: hosts would refuse a new one.
 */
async function feedOf(
  { signer, now }: PublishPorts,
  targets: Parameters<typeof signFeed>[0],
  { current, onlineKey, delegations }: Context & { readonly delegations: RoleMetadata<'targets'> },
): Promise<RoleMetadata<'feed'>> {
  const at = now();
  const before = current?.feed;
  if (before !== undefined) {
    if (!signsAlone(delegations, 'feed', onlineKey)) return before;
    const same = canonicalJson(before.signed.toJSON().targets) === canonicalJson(targets);
    const { signedBy, threshold } = signaturesOf(delegations, 'feed', before);
    if (same && !isDue('feed', before, at) && signedBy.length >= threshold) return before;
  }
  return signFeed(targets, (before?.signed.version ?? 0) + 1, { signer, now: at });
}

/** Metrics of a run. */
export const measurePublish = ({ outcome, ageSeconds, signaturesEndSeconds }: PublishReport): Measurements => ({
  ...(outcome === 'published' && { RepositoryPublished: 1 }),
  ...(outcome === 'refused' && { RepositoryRefused: 1 }),
  // Before administrators began nothing grows old, and silence would ring the alarm.
  RepositoryAgeSeconds: ageSeconds ?? 0,
  ...(signaturesEndSeconds !== undefined && { SignaturesEndSeconds: signaturesEndSeconds }),
});
