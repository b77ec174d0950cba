import type { StoredUnit } from '#shared/core/catalog/unit-facts.ts';
import { unreadableOf } from '#shared/core/fleet/fleet.ts';
import { neededBySeen } from '#shared/core/fleet/needed-updates.ts';
import type { KnownNeeds } from '#shared/core/payloads/cleaning.ts';
import type { CleanPorts } from './ports.ts';

/** What is needed, and what is not known of it. */
export interface NeededFiles extends Omit<KnownNeeds, 'hostsBefore'> {
  /** SHA-1s. */
  readonly files: ReadonlySet<string>;
}

const pageSize = 100;
/** States in which a request is under way. */
const underWay = ['open', 'queued', 'fetching'] as const;

/**
 * Files that hosts need by their last reports, as publish-repository offers them; those of KBs that are kept; and those that
 * are asked for right now.
 */
export async function neededFiles(ports: CleanPorts): Promise<NeededFiles> {
  const { fleet, catalog, requests, settings, now } = ports;
  const snapshot = await fleet.current();
  const { updateIds, ...counted } = neededBySeen(snapshot, now().getTime() - settings.hostsCountForSeconds * 1000);
  const { units, unreadable } = await catalog.unitsById(updateIds);
  const files = new Set<string>();
  const unknownUpdates = [...unreadable];
  const keep = ({ updateId, files: sha1s, totals }: StoredUnit): void => {
    for (const sha1 of sha1s) files.add(sha1);
    if ((totals?.files ?? 0) > sha1s.length) unknownUpdates.push(updateId);
  };
  for (const unit of units.values()) keep(unit);
  for (const kb of settings.keepKbs) {
    let cursor: string | undefined;
    do {
      const page = await catalog.unitsOfKb(kb, { cursor, limit: pageSize });
      for (const unit of page.units) keep(unit);
      unknownUpdates.push(...page.unreadable);
      cursor = page.next;
    } while (cursor !== undefined);
  }
  for (const state of underWay) {
    let cursor: string | undefined;
    do {
      const page = await requests.list({ state, cursor, limit: pageSize });
      for (const { sha1 } of page.items) files.add(sha1);
      // The key of a request is all that is asked of it here.
      for (const sha1 of page.unreadable) files.add(sha1);
      cursor = page.next;
    } while (cursor !== undefined);
  }
  return { files, ...counted, asOf: snapshot.asOf, unreadableHosts: unreadableOf(snapshot), unknownUpdates };
}
