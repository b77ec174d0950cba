import { httpsTwinOf, microsoftAddress } from './hosts.ts';
import type { Timing } from './retry.ts';
import { UpstreamError, type UpstreamErrorCode } from './upstream-error.ts';

/** Addresses of one file, in the order in which they are asked. */
export type Addresses = readonly [string, ...string[]];

/** A twin that could not be reached is left alone for so long: not each file shall wait for it. Milliseconds. */
const restMilliseconds = 600_000;

/** Failures that say something of the host and not of the file, when it did not answer itself. */
const withoutAnswer: ReadonlySet<UpstreamErrorCode> = new Set([
  'unavailable',
  'timeout',
  'refused',
  'host-not-allowed',
]);
const isOfTheHost = ({ code, status }: UpstreamError): boolean =>
  code === 'proxy-refused' || (status === undefined && withoutAnswer.has(code));

/** @param isTwin another address follows when this one fails, so that it need not be asked often */
type Attempt<T> = (address: string, isTwin: boolean) => Promise<T>;

interface Failure {
  readonly address: string;
  readonly isTwin: boolean;
  readonly error: UpstreamError;
}

/**
 * Asks for a file at its addresses in turn, each one's twin by HTTPS first. Bytes are proved by their digests whichever way they
 * come; but who is on the way between sees less over HTTPS, and cannot spoil downloads.
 *
 * @returns asks by the first address that serves the file. When none does, the error names each with its reason; its code is
 *   that of the addresses themselves: `not-found` when all of them say so, whatever their twins do
 */
export function inTurn(timing: Pick<Timing, 'now'>): <T>(addresses: Addresses, attempt: Attempt<T>) => Promise<T> {
  /** Until when, by host. */
  const resting = new Map<string, number>();
  const isResting = (twin: URL): boolean => (resting.get(twin.host) ?? 0) > timing.now();
  /** A twin rests only where the address itself answers: in a network that lets HTTPS alone out, it is the only way. */
  const rest = (failures: readonly Failure[]): void => {
    for (const { address, isTwin, error } of failures)
      if (isTwin && isOfTheHost(error)) resting.set(new URL(address).host, timing.now() + restMilliseconds);
  };
  return async (addresses, attempt) => {
    const failures: Failure[] = [];
    for (const [given, url] of addresses.map((address) => [address, microsoftAddress(address)] as const)) {
      const twin = httpsTwinOf(url);
      const asked = [
        ...(twin === undefined || isResting(twin) ? [] : [{ address: twin.href, isTwin: true }]),
        { address: given, isTwin: false },
      ];
      const before = failures.length;
      for (const { address, isTwin } of asked) {
        try {
          const answer = await attempt(address, isTwin);
          rest(failures.slice(before));
          return answer;
        } catch (error) {
          if (!(error instanceof UpstreamError) || isTheEnd(error)) throw error;
          // Another status may be that of a firewall which lets no plain HTTP out.
          if (error.code === 'not-found') rest(failures.slice(before));
          failures.push({ address, isTwin, error });
        }
      }
    }
    throw verdict(failures);
  };
}

/** What no other address mends; a proxy that refuses the credentials might lock the account. */
const isTheEnd = ({ code, status }: UpstreamError): boolean =>
  code === 'aborted' || (code === 'proxy-refused' && (status === undefined || status === 407));

function verdict(failures: readonly Failure[]): UpstreamError {
  const own = failures.filter(({ isTwin }) => !isTwin).map(({ error }) => error);
  const telling = own.find(({ retryable }) => retryable) ?? own.find(({ code }) => code !== 'not-found') ?? own[0];
  if (telling === undefined) throw new TypeError('a file has one address at least');
  if (failures.length === 1) return telling;
  const message = failures
    .map(({ address, error }) => (error.message.includes(address) ? error.message : `${address}: ${error.message}`))
    .join('; ');
  const { code, status, retryAfterSeconds } = telling;
  const cause = new AggregateError(failures.map(({ error }) => error));
  return new UpstreamError(code, message, { status, retryAfterSeconds, cause });
}
