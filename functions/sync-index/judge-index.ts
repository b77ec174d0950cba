import { describeSignature } from '#shared/authenticode/index.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { IndexError, type Publication, readPublication } from '#shared/index/index.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { decoderVersion } from './decoder.ts';
import { whyNotPublish } from './gates.ts';
import type { SyncSession } from './ports.ts';
import { DigestedBytes, type Examined } from './read-staged.ts';
import { SyncError } from './sync-error.ts';
import { withinTime } from './time.ts';

/** An index that may be published; why it may not; or that its bytes are gone. */
type Judged =
  | { readonly catalog: Catalog; readonly previous: Catalog | undefined }
  | { readonly refused: string }
  | 'lost';

/** Did the decoder of today read the index that is current? */
export const isOfThisDecoder = ({ ports, standing }: SyncSession): boolean =>
  standing.current?.pointer.decoder === (ports.decoderVersion ?? decoderVersion);

/**
 * Whether examined bytes may be published: by their signature, by whether they can be read, and by what they say.
 *
 * @param open opens the same bytes once more; `undefined` when they are gone
 * @throws SyncError `bytes-changed` when what was opened is not what was examined
 */
export async function judge(
  session: SyncSession,
  { sha256, signature, cabs }: Examined,
  open: () => Promise<AsyncIterable<Uint8Array> | undefined>,
): Promise<Judged> {
  const { ports, standing, progress } = session;
  if (signature.state !== 'valid')
    return { refused: `Microsoft's signature is not on it: ${describeSignature(signature)}` };
  if (cabs instanceof IndexError) return { refused: cabs.message };
  const current = standing.current?.pointer;
  const previous = current && (await currentCatalog(session));
  const source = await open();
  if (source === undefined) return 'lost';
  const bytes = new DigestedBytes(source);
  let read: Publication;
  try {
    // A person who asks again, and a decoder that was mended, want all of it read by today's.
    const reuse = previous === undefined || session.again || !isOfThisDecoder(session) ? {} : { earlier: previous };
    read = await readPublication(bytes, { cabs, ...reuse });
  } catch (error) {
    if (error instanceof IndexError) return { refused: error.message };
    throw error;
  }
  if (bytes.sha256() !== sha256)
    throw new SyncError('bytes-changed', `the bytes that were decoded are not those that were verified, ${sha256}`);
  const refused = whyNotPublish(read, {
    current,
    previous,
    maxShrinkPercent: ports.maxShrinkPercent,
    allowOlder: progress.wishes('allowOlder'),
    allowSinglePackage: ports.allowSinglePackage ?? false,
  });
  return refused === undefined ? { catalog: read.catalog, previous } : { refused };
}

/** The catalogue of the current index; `undefined` when it is lost or damaged. */
export async function currentCatalog(session: SyncSession): Promise<Catalog | undefined> {
  const { ports, standing } = session;
  if (standing.current === undefined) return undefined;
  try {
    const snapshot = ports.catalog.getSnapshot(standing.current.pointer.sha256);
    return await withinTime(session, snapshot, () => 'while the current catalogue was read');
  } catch (error) {
    if (error instanceof StoreError && error.code === 'corrupt') return undefined;
    throw error;
  }
}
