import type { PayloadTransfer } from '#shared/contract/payload-transfer.ts';
import type { HeldPayload } from '#shared/stores/payloads/port.ts';
import { UpstreamError } from '#shared/upstream/upstream-error.ts';
import { copyParts, type FirstPart, type PartsStep } from './copy-parts.ts';
import { FetchError } from './fetch-error.ts';
import { type FetchSession, renewed } from './ports.ts';
import { type FetchableFile, Proof } from './prove.ts';
import { fetchWhole, recorded } from './whole-file.ts';

/** A file that is there, or that another invocation goes on with. */
export type LargeFetch = HeldPayload | { readonly paused: true; readonly bytes: number };

/** Times that one delivery begins a file that changes under its copy. */
const maxBeginnings = 4;

/**
 * Fetches a file in parts of one upload to a staging key, over as many deliveries as it takes; the file is proved before it
 * becomes an object that hosts can ask for.
 *
 * @throws FetchError, UpstreamError, StoreError; what is there of the file is kept unless it is known to be wrong
 */
export async function fetchLarge(
  session: FetchSession,
  facts: FetchableFile & { readonly size: number },
): Promise<LargeFetch> {
  let transfer = await usable(session, facts);
  for (let beginnings = 0; ; ) {
    let first: FirstPart | undefined;
    try {
      if (transfer === undefined) {
        if (beginnings === maxBeginnings)
          throw new FetchError('changing', `${facts.url} changed under the copy ${maxBeginnings} times`);
        beginnings += 1;
        const begun = await begin(session, facts);
        if ('held' in begun) return begun.held;
        ({ transfer, first } = begun);
      }
      const step = await copyParts(session, facts, transfer, first);
      if (step.state === 'paused') return { paused: true, bytes: step.bytes };
      if (step.state === 'staged') return await publish(session, facts, transfer, step);
      await drop(session, facts.sha1, undefined);
    } catch (error) {
      const isChanged = error instanceof UpstreamError && isAnotherFile(error, transfer);
      if (!isChanged && !isWrong(error)) throw error;
      await drop(session, facts.sha1, transfer);
      if (!isChanged) throw error;
    }
    transfer = undefined;
  }
}

/** Changed under the copy; or gone from the twin by HTTPS, which says nothing of the address that the index names. */
const isAnotherFile = ({ code }: UpstreamError, transfer: PayloadTransfer | undefined): boolean =>
  code === 'changed' || (code === 'not-found' && transfer !== undefined && transfer.address !== transfer.url);

const isWrong = (error: unknown): boolean =>
  error instanceof FetchError && (error.code === 'wrong-bytes' || error.code === 'wrong-length');

/** What an earlier delivery left, unless the index says something else of the file by now. */
async function usable(
  session: FetchSession,
  { sha1, url, size }: FetchableFile & { readonly size: number },
): Promise<PayloadTransfer | undefined> {
  const { transfer } = session;
  if (transfer === undefined || (transfer.url === url && transfer.length === size)) return transfer;
  await drop(session, sha1, transfer);
  return undefined;
}

type Begun = { readonly transfer: PayloadTransfer; readonly first: FirstPart } | { readonly held: HeldPayload };

/** Asks the origin, and notes the upload before anything is put into it. A death in between leaves it to the lifecycle rules. */
async function begin(session: FetchSession, facts: FetchableFile & { readonly size: number }): Promise<Begun> {
  const { ports, delivery } = session;
  const { partBytes } = ports.limits;
  const answer = await ports.upstream.beginPayload([facts.url], {
    size: facts.size,
    firstBytes: partBytes,
    signal: delivery.signal,
  });
  // An origin that takes no ranges: the file must come within one invocation, or not at all.
  if (answer.kind === 'whole') return { held: await fetchWhole(session, facts, answer) };
  const { sha1, url, size } = facts;
  const uploadId = await ports.transfers.beginUpload(sha1).catch((error: unknown) => {
    answer.cancel();
    throw error;
  });
  const transfer: PayloadTransfer = {
    version: 1,
    url,
    address: answer.address,
    etag: answer.validators.etag,
    length: size,
    uploadId,
    partBytes,
    startedAt: ports.now().toISOString(),
  };
  if (!(await ports.requests.note(sha1, renewed(session, 'short'), { transfer }))) {
    answer.cancel();
    await ports.transfers.upload(sha1, uploadId).abort();
    throw new FetchError('taken-over', `another delivery works on ${sha1} by now`);
  }
  return { transfer, first: (into) => answer.first(into) };
}

/** Forgets what there is of the file. */
async function drop(
  { ports, claim }: FetchSession,
  sha1: string,
  transfer: PayloadTransfer | undefined,
): Promise<void> {
  if (transfer !== undefined) await ports.transfers.upload(sha1, transfer.uploadId).abort();
  await ports.transfers.dropStaged(sha1);
  await ports.requests.note(sha1, claim, { transfer: undefined });
}

/**
 * Proves the staged file, unless its bytes came by here in their order, and makes it a payload. The staged one goes last: until
 * the file is recorded, whoever comes after a crash goes on with it.
 */
async function publish(
  session: FetchSession,
  facts: FetchableFile & { readonly size: number },
  transfer: PayloadTransfer,
  staged: Extract<PartsStep, { state: 'staged' }>,
): Promise<LargeFetch> {
  const { ports } = session;
  // A delivery that had nothing to copy always tries: no other will have more time.
  if (staged.proved === undefined && staged.copied && !hasTimeToProve(session, facts.size))
    return { paused: true, bytes: facts.size };
  // Nothing is noted any more until the file is there.
  await ports.requests.note(facts.sha1, renewed(session, 'whole'), { transfer });
  const proved = staged.proved ?? (await readStaged(session, facts.sha1)).finish(facts);
  await ports.transfers.publishStaged(facts.sha1, { sha256: proved.sha256, bytes: proved.size });
  const payload = await recorded(ports, facts, proved);
  await ports.transfers.dropStaged(facts.sha1);
  return payload;
}

function hasTimeToProve({ ports, delivery }: FetchSession, bytes: number): boolean {
  const { proofBytesPerSecond, lastPartMilliseconds } = ports.limits;
  const left = delivery.deadlineAt.getTime() - ports.now().getTime();
  return left >= (bytes / proofBytesPerSecond) * 1000 + lastPartMilliseconds;
}

async function readStaged({ ports, delivery }: FetchSession, sha1: string): Promise<Proof> {
  const proof = new Proof();
  for await (const chunk of await ports.transfers.openStaged(sha1)) {
    delivery.signal.throwIfAborted();
    proof.update(chunk);
  }
  return proof;
}
