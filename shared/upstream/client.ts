import { type Answer, header, type Validators, validatorsOf } from './answer.ts';
import { discard } from './body.ts';
import type { Connections } from './connections.ts';
import {
  type Download,
  download,
  fromStatus,
  type PieceOptions,
  type RangedIndex,
  rangedIndex,
  readPiece,
  tooLong,
  unasked,
} from './downloads.ts';
import { microsoftAddress } from './hosts.ts';
import { type Addresses, inTurn } from './in-turn.ts';
import { fromNetworkFailure } from './network-failure.ts';
import { type RangeRequest, rangedOf, whyNotThatPiece } from './ranges.ts';
import { defaultRetryPolicy, type RetryPolicy, type Timing, withRetries } from './retry.ts';
import { UpstreamError } from './upstream-error.ts';

/**
 * What the origin says of the index.
 *
 * - `unchanged`: it is a known one.
 * - `ranged`: another one, and it can be fetched piece by piece: the origin takes ranges, says the length, and gives a
 *   strong entity tag, which alone promises that two answers are of the same bytes (RFC 9110, section 8.8.1). The first
 *   piece is on its way.
 * - `whole`: another one, which can only be fetched in one go; its body is on its way.
 */
export type IndexAnswer = UnchangedIndex | RangedIndex | WholeIndex;

interface UnchangedIndex {
  readonly kind: 'unchanged';
  /** Of the known one that it is, when the origin says. */
  readonly etag?: string | undefined;
}

interface WholeIndex extends Download {
  readonly kind: 'whole';
  readonly validators: Validators;
}

/** Where a payload file comes from: one of its addresses, or its twin by HTTPS. All its pieces are asked for there. */
interface FromAddress {
  readonly address: string;
}

/** The index that the origin had last, and others that are not wanted either. */
export interface KnownIndexes extends Validators {
  /** Entity tags. */
  readonly others?: readonly string[];
}

interface IndexOptions {
  /** Of the first piece. Bytes. */
  readonly firstBytes: number;
  readonly signal?: AbortSignal;
}

/** Microsoft's hosts: where indexes and payload files come from. */
export interface Upstream {
  /**
   * Asks for the index, its first piece if that goes, on the condition that it is another one than `known`.
   * @throws UpstreamError
   */
  getIndex(address: string, known: KnownIndexes, options: IndexOptions): Promise<IndexAnswer>;
  /**
   * One piece of a file, whole and of exactly that file: an answer that breaks off is asked for again.
   * @throws UpstreamError `changed` when the origin has another file by now, or shows another tag, length or range
   */
  getRange(address: string, range: RangeRequest, options?: PieceOptions): Promise<Uint8Array>;
  /**
   * Begins a large payload file: its first piece and what names the file, so that the other pieces can be asked for by
   * {@link getRange}; or its whole body, where the origin does not allow for that.
   *
   * @param addresses asked in turn, each one's twin by HTTPS before it ({@link inTurn}). Under one entity tag belongs what one
   *   address serves, so that the choice is made here, and `address` of the answer says which it was
   * @param options.size of the file; another length fails as `too-long`, or as `changed` when it is shorter
   * @throws UpstreamError
   */
  beginPayload(
    addresses: Addresses,
    options: { readonly size: number; readonly firstBytes: number; readonly signal?: AbortSignal },
  ): Promise<(RangedIndex | WholeIndex) & FromAddress>;
  /**
   * One payload file. With `size` the body fails as `too-long` as soon as one byte more arrives, or at once when the
   * origin announces more; a body that is shorter is the caller's to notice (it hashes the bytes anyway).
   *
   * @param addresses as for {@link beginPayload}
   * @throws UpstreamError
   */
  getPayload(
    addresses: Addresses,
    options: { readonly size?: number | undefined; readonly signal?: AbortSignal },
  ): Promise<Download & FromAddress>;
}

export interface UpstreamOptions {
  /** Connections to Microsoft's hosts; their own limit of time is the one for connecting. */
  readonly dispatcher: Connections;
  readonly timing: Timing;
  /** @default defaultRetryPolicy */
  readonly retry?: RetryPolicy;
  /** Until the headers of an answer are there. @default 30 s */
  readonly headersTimeoutMilliseconds?: number;
  /** Between two pieces of a body. @default 30 s */
  readonly idleTimeoutMilliseconds?: number;
}

/** Bytes of an index at most. The real one has grown to about 1.3 GB; a stream without end must end somewhere. */
const maxIndexBytes = 4 * 1024 ** 3;
/** Bytes of a payload file whose size the index does not say. The largest known one has 14.8 GB. */
const maxPayloadBytes = 20 * 1024 ** 3;
const maxRedirects = 5;

export function createUpstream(options: UpstreamOptions): Upstream {
  const policy = options.retry ?? defaultRetryPolicy;
  const { dispatcher, timing } = options;

  async function requestOnce(
    url: URL,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    try {
      const answer = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: 'GET',
        headers: { 'user-agent': 'kbroker', accept: '*/*', 'accept-encoding': 'identity', ...headers },
        headersTimeout: options.headersTimeoutMilliseconds ?? 30_000,
        bodyTimeout: options.idleTimeoutMilliseconds ?? 30_000,
        ...(signal === undefined ? {} : { signal }),
      });
      // A connection that breaks before anybody reads must not become an unhandled event; a reader still gets the error.
      answer.body.on('error', () => {});
      return { url, status: answer.statusCode, headers: answer.headers, body: answer.body };
    } catch (cause) {
      throw fromNetworkFailure(cause, url.hostname, signal);
    }
  }

  /** Follows redirects by hand, because each target has to be on the list too. */
  async function requestFollowing(
    first: URL,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    let url = first;
    for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
      const answer = await requestOnce(url, headers, signal);
      if (![301, 302, 303, 307, 308].includes(answer.status)) return answer;
      discard(answer.body);
      const location = header(answer, 'location');
      if (location === undefined)
        throw new UpstreamError('refused', `${url.href} redirects without saying where`, { status: answer.status });
      const next = microsoftAddress(location, url);
      if (url.protocol === 'https:' && next.protocol === 'http:')
        throw new UpstreamError('host-not-allowed', `${url.href} redirects from https to plain ${next.href}`);
      url = next;
    }
    throw new UpstreamError('too-many-redirects', `${first.href} redirects more than ${maxRedirects} times`);
  }

  async function getOnce(
    url: URL,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
    taken: readonly number[],
  ): Promise<Answer> {
    const answer = await requestFollowing(url, headers, signal);
    if (taken.includes(answer.status)) return answer;
    discard(answer.body);
    throw fromStatus(answer, timing.now());
  }

  function get(
    address: string,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
    { taken = [200, 304], tries = policy }: { readonly taken?: readonly number[]; readonly tries?: RetryPolicy } = {},
  ): Promise<Answer> {
    const url = microsoftAddress(address);
    return withRetries(tries, timing, signal, () => getOnce(url, headers, signal, taken));
  }

  const byTurns = inTurn(timing);
  // Twice, since the first may go out on a connection that died while Lambda had the process frozen.
  const triesAtTwin: RetryPolicy = { ...policy, maxAttempts: Math.min(2, policy.maxAttempts) };
  const triesOf = (isTwin: boolean): RetryPolicy => (isTwin ? triesAtTwin : policy);

  return {
    async getIndex(address, known, { firstBytes, signal }) {
      const tags = [...new Set([...(known.etag === undefined ? [] : [known.etag]), ...(known.others ?? [])])];
      const conditions = {
        // A list of tags is fulfilled by any of them (RFC 9110, section 13.1.2).
        ...(tags.length === 0 ? {} : { 'if-none-match': tags.join(', ') }),
        // Beside tags it counts for nothing (section 13.1.3), but for servers that heed it all the same, and then it
        // must not hide that the file is another one of the list.
        ...(known.lastModified === undefined || tags.length > 1 ? {} : { 'if-modified-since': known.lastModified }),
      };
      let answer = await get(address, { ...conditions, range: `bytes=0-${firstBytes - 1}` }, signal, {
        taken: [200, 206, 304],
      });
      if (answer.status === 206) {
        const ranged = rangedOf(answer, firstBytes);
        if (ranged !== undefined && ranged.length <= maxIndexBytes) return rangedIndex(answer, ranged, signal);
        discard(answer.body);
        if (ranged !== undefined) throw tooLong(answer, ranged.length, maxIndexBytes);
        answer = await get(address, conditions, signal);
      }
      if (answer.status === 304) {
        discard(answer.body);
        if (Object.keys(conditions).length > 0) return { kind: 'unchanged', etag: header(answer, 'etag') };
        throw unasked(answer);
      }
      return { kind: 'whole', validators: validatorsOf(answer), ...download(answer, maxIndexBytes, signal) };
    },

    beginPayload: (addresses, { size, firstBytes, signal }) =>
      byTurns(addresses, async (from, isTwin) => {
        const tries = triesOf(isTwin);
        const answer = await get(from, { range: `bytes=0-${firstBytes - 1}` }, signal, { taken: [200, 206], tries });
        if (answer.status === 200) return wholeOf(from, answer, size, signal);
        const ranged = rangedOf(answer, firstBytes);
        if (ranged?.length === size) return { ...rangedIndex(answer, ranged, signal), address: from };
        discard(answer.body);
        if (ranged !== undefined && ranged.length > size) throw tooLong(answer, ranged.length, size);
        if (ranged !== undefined)
          throw new UpstreamError('changed', `${answer.url.href} has ${ranged.length} bytes; the index says ${size}`);
        // A piece that cannot be told to be of the same file as others.
        return wholeOf(from, await get(from, {}, signal, { taken: [200], tries }), size, signal);
      }),

    getRange(address, range, { signal, into, hasFallback = false } = {}) {
      const url = microsoftAddress(address);
      const headers = { range: `bytes=${range.from}-${range.to - 1}`, 'if-match': range.etag };
      // The body belongs to the try: one that breaks off is asked for again.
      return withRetries(triesOf(hasFallback), timing, signal, async () => {
        const answer = await getOnce(url, headers, signal, [200, 206, 412, 416]);
        const why = whyNotThatPiece(answer, range);
        if (why !== undefined) {
          discard(answer.body);
          throw new UpstreamError('changed', `${answer.url.href} ${why}`, { status: answer.status });
        }
        return readPiece(answer, range.to - range.from, { signal, into });
      });
    },

    getPayload: (addresses, { size, signal }) =>
      byTurns(addresses, async (from, isTwin) => {
        const answer = await get(from, {}, signal, { tries: triesOf(isTwin) });
        if (answer.status === 304) {
          discard(answer.body);
          throw unasked(answer);
        }
        return { ...download(answer, size ?? maxPayloadBytes, signal), address: from };
      }),
  };
}

const wholeOf = (
  address: string,
  answer: Answer,
  size: number,
  signal: AbortSignal | undefined,
): WholeIndex & FromAddress => ({
  kind: 'whole',
  validators: validatorsOf(answer),
  ...download(answer, size, signal),
  address,
});
