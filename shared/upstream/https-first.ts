import { httpsTwinOf, microsoftAddress } from './hosts.ts';
import type { Timing } from './retry.ts';
import { UpstreamError } from './upstream-error.ts';

/** A twin that could not be reached is left alone for so long: not each file shall wait for it. Milliseconds. */
const restMilliseconds = 600_000;

/** @param isTwin another address follows when this one fails, so that it need not be asked often */
type Attempt<T> = (address: string, isTwin: boolean) => Promise<T>;

/**
 * Asks a host's twin by HTTPS before the address by plain HTTP that the index names. Bytes are proved by their digests whichever
 * way they come; but who is on the way between sees less, and cannot spoil downloads.
 *
 * @returns asks by the first address that answers. What it throws is of the address in the index, as if there were no twin
 */
export function httpsFirst(timing: Pick<Timing, 'now'>): <T>(address: string, attempt: Attempt<T>) => Promise<T> {
  /** Until when, by host. */
  const resting = new Map<string, number>();
  return async (address, attempt) => {
    const twin = httpsTwinOf(microsoftAddress(address));
    if (twin === undefined || (resting.get(twin.host) ?? 0) > timing.now()) return attempt(address, false);
    try {
      return await attempt(twin.href, true);
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.code === 'aborted') throw error;
      // What is missing there says nothing of other files.
      if (error.code !== 'not-found') resting.set(twin.host, timing.now() + restMilliseconds);
      return attempt(address, false);
    }
  };
}
