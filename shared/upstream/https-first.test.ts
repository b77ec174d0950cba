import { describe, expect, it } from 'vitest';
import { httpsTwinOf, microsoftHosts } from './hosts.ts';
import { httpsFirst } from './https-first.ts';
import { UpstreamError, type UpstreamErrorCode } from './upstream-error.ts';

const plain = 'http://download.windowsupdate.com/d/a.cab?b=c';
const twin = 'https://catalog.s.download.windowsupdate.com/d/a.cab?b=c';

/** Asks, with a twin that fails in this way. @returns the addresses that were asked */
function setting() {
  let now = 0;
  const asked: string[] = [];
  const ask = httpsFirst({ now: () => now });
  return {
    asked,
    wait: (milliseconds: number) => {
      now += milliseconds;
    },
    of: (address: string, failure?: UpstreamErrorCode, failureOfPlain?: UpstreamErrorCode) =>
      ask(address, async (from, isTwin) => {
        asked.push(from);
        const code = isTwin ? failure : failureOfPlain;
        if (code !== undefined) throw new UpstreamError(code, from);
        return from;
      }),
  };
}

describe('an address by plain HTTP', () => {
  it('is asked for at its twin by HTTPS', async () => {
    const { of, asked } = setting();
    expect(await of(plain)).toBe(twin);
    expect(asked).toEqual([twin]);
  });

  it.each(['unavailable', 'timeout', 'refused', 'not-found', 'too-long', 'changed'] as const)(
    'is asked for as it is when its twin is %s',
    async (failure) => {
      const { of, asked } = setting();
      expect(await of(plain, failure)).toBe(plain);
      expect(asked).toEqual([twin, plain]);
    },
  );

  it('leaves a twin alone for a while that cannot be used, and not one that lacks a single file', async () => {
    const { of, asked, wait } = setting();
    await of(plain, 'not-found');
    await of(plain, 'unavailable');
    await of(plain);
    expect(asked.splice(0)).toEqual([twin, plain, twin, plain, plain]);
    wait(600_000);
    await of(plain);
    expect(asked).toEqual([twin]);
  });

  it('fails as if there were no twin, and not at all when the caller stops', async () => {
    const { of, asked } = setting();
    await expect(of(plain, 'unavailable', 'not-found')).rejects.toMatchObject({ code: 'not-found', message: plain });
    asked.splice(0);
    const stopped = setting();
    await expect(stopped.of(plain, 'aborted')).rejects.toMatchObject({ code: 'aborted' });
    expect(stopped.asked).toEqual([twin]);
  });
});

it('other addresses have no twin', async () => {
  const { of, asked } = setting();
  const others = [twin, 'http://www.windowsupdate.com/a', 'https://download.windowsupdate.com/a'];
  for (const address of others) await of(address);
  expect(asked).toEqual(others);
  await expect(of('http://evil.example/a')).rejects.toMatchObject({ code: 'host-not-allowed' });
});

it('each twin is on the list itself', () => {
  for (const { host, httpsTwin } of microsoftHosts)
    if (httpsTwin !== undefined) {
      expect(microsoftHosts.map((one) => one.host)).toContain(httpsTwin);
      expect(httpsTwinOf(new URL(`http://${host}/`))?.href).toBe(`https://${httpsTwin}/`);
    }
});
