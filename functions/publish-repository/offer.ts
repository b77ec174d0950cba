import { groupOf, type RuleBook } from '#shared/contract/rules.ts';
import { maxSignedGroups, targetPaths } from '#shared/contract/signed-documents.ts';
import type { Fleet } from '#shared/core/fleet/fleet.ts';
import { needsOf } from '#shared/core/fleet/needed-updates.ts';
import { type TargetDocument, type TargetEntry, targetDocument, targetEntries } from '#shared/repository/targets.ts';
import type { PublishPorts } from './ports.ts';

/** What the role `feed` names, and the documents that belong to it. */
export interface Offer {
  readonly targets: Readonly<Record<string, TargetEntry>>;
  readonly documents: readonly TargetDocument[];
  /** Groups that get no catalogue, because there are too many: their hosts ask the broker about each file. */
  readonly groupsLeftOut: number;
}

type OfferPorts = Pick<PublishPorts, 'index' | 'catalog' | 'payloads' | 'fleet'>;

/**
 * The current index, and for each group the files that the repository holds and that hosts of the group need by their last
 * reports. It follows from what is stored: twice the same gives the same bytes.
 */
export async function offerOf(ports: OfferPorts, book: RuleBook): Promise<Offer> {
  const [current, fleet] = await Promise.all([ports.index.current(), ports.fleet.current()]);
  const { documents, groupsLeftOut } = await catalogsOf(ports, fleet, book);
  const index: Record<string, TargetEntry> = {};
  if (current !== undefined) {
    const { bytes, sha256, publishedAt } = current.pointer;
    index[targetPaths.index] = { length: bytes, hashes: { sha256 }, custom: { publishedAt } };
  }
  return { targets: { ...index, ...targetEntries(documents) }, documents, groupsLeftOut };
}

async function catalogsOf(
  { catalog, payloads }: OfferPorts,
  fleet: Fleet,
  book: RuleBook,
): Promise<Pick<Offer, 'documents' | 'groupsLeftOut'>> {
  const { updates, parts } = needsOf(fleet, new Set(Object.keys(book.assignments.moved ?? {})));
  const byGroup = new Map<string, Set<string>>();
  for (const { group, machineId, needs } of parts) {
    const where = machineId === undefined ? group : groupOf(book, { machineId, group });
    const ids = byGroup.get(where) ?? new Set();
    for (const place of needs.keys()) ids.add(updates[place]?.updateId ?? '');
    byGroup.set(where, ids);
  }
  const { units } = await catalog.unitsById(new Set([...byGroup.values()].flatMap((ids) => [...ids])));
  const held = await payloads.held(new Set([...units.values()].flatMap(({ files }) => files)));
  const made: TargetDocument[] = [];
  for (const [group, ids] of [...byGroup].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const sha1s = new Set([...ids].flatMap((id) => units.get(id)?.files ?? []));
    const files = [...sha1s]
      .toSorted()
      .flatMap((sha1) => held.get(sha1) ?? [])
      .map(({ sha1, sha256, size }) => ({ sha1, sha256, size }));
    if (files.length > 0) made.push(targetDocument(targetPaths.groupCatalog(group), { version: 1, group, files }));
  }
  const documents = made.slice(0, maxSignedGroups);
  return { documents, groupsLeftOut: made.length - documents.length };
}
