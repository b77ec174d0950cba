import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import type { FactsWritten } from '#shared/stores/catalog/port.ts';
import { decoderVersion } from './decoder.ts';
import type { SyncSession } from './ports.ts';
import { stopAtEnd } from './time.ts';

const countOf = ({ files, units, kbs }: FactsWritten): number => files + units + kbs;

/**
 * Writes the facts of a catalogue, those that differ from `previous` or, without it, from what is kept.
 *
 * @returns facts that were written
 * @throws SyncError `time-limit` between two batches
 */
export async function writeFacts(
  session: SyncSession,
  catalog: Catalog,
  compareWith: { readonly previous: Catalog | undefined; readonly compareWithTable: boolean },
): Promise<number> {
  const { ports, progress } = session;
  const written = await ports.catalog.putFacts(catalog, {
    ...compareWith,
    at: ports.now().toISOString(),
    onProgress: (facts) => {
      // Not waited for: a note does not fail.
      void progress.note('publishing', { facts: countOf(facts) });
      stopAtEnd(session, `after ${countOf(facts)} facts were written`);
    },
  });
  stopAtEnd(session, `after ${countOf(written)} facts were written`);
  return countOf(written);
}

/** What the pointer tells of a catalogue. */
export function pointerFacts(session: SyncSession, catalog: Catalog) {
  return {
    ...(catalog.createdAt !== undefined && { createdAt: catalog.createdAt }),
    ...(catalog.packageId !== undefined && { packageId: catalog.packageId }),
    updates: catalog.updates.size,
    files: catalog.files.size,
    decoder: session.ports.decoderVersion ?? decoderVersion,
  } satisfies Partial<IndexPointer>;
}
