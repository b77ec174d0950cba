import type { HeldPayload } from '#shared/stores/payloads/port.ts';
import { paceOf } from './pace.ts';
import type { FetchSession } from './ports.ts';
import { type FetchableFile, Proof } from './prove.ts';

/** A body that is on its way from Microsoft. */
interface Body {
  readonly body: AsyncIterable<Uint8Array>;
  cancel(): void;
}

/**
 * Streams a file into the repository in one go; it appears there only after its bytes are proved.
 *
 * @param answer its body, when somebody asked already
 * @throws FetchError, UpstreamError, StoreError
 */
export async function fetchWhole(
  { ports, delivery: { signal } }: FetchSession,
  facts: FetchableFile,
  answer?: Body,
): Promise<HeldPayload> {
  const file = answer ?? (await ports.upstream.getPayload([facts.url], { size: facts.size, signal }));
  const paced = paceOf(ports, signal);
  try {
    const upload = await ports.payloads.begin(facts);
    try {
      const proof = new Proof();
      for await (const chunk of file.body) {
        proof.update(chunk);
        await upload.write(chunk);
        await paced(chunk.byteLength);
      }
      const proved = proof.finish(facts);
      await upload.complete(proved.sha256);
      return await recorded(ports, facts, proved);
    } catch (error) {
      // The reason is what the request must say; parts that stay behind fall to the bucket's lifecycle rule.
      await upload.abort().catch(() => {});
      throw error;
    }
  } finally {
    file.cancel();
  }
}

/** Records an object that is there and proved: only now hosts can ask for it. */
export async function recorded(
  { payloads, now }: FetchSession['ports'],
  { name }: FetchableFile,
  proved: Pick<HeldPayload, 'sha1' | 'sha256' | 'size'>,
): Promise<HeldPayload> {
  const payload = { ...proved, ...(name !== undefined && { name }), heldAt: now().toISOString() };
  await payloads.record(payload);
  return payload;
}
