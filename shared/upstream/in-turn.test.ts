import { describe, expect, it } from 'vitest';
import { httpsTwinOf, microsoftHosts } from './hosts.ts';
import { type Addresses, inTurn } from './in-turn.ts';
import { UpstreamError, type UpstreamErrorCode, type UpstreamErrorDetails } from './upstream-error.ts';

const plain = 'http://download.windowsupdate.com/d/a.cab?b=c';
const twin = 'https://catalog.s.download.windowsupdate.com/d/a.cab?b=c';
const second = 'http://www.windowsupdate.com/a.cab';

type Failing = UpstreamErrorCode | readonly [UpstreamErrorCode, UpstreamErrorDetails] | undefined;

/** Asks, with addresses that fail in these ways; `asked` are those that were asked. */
function setting() {
  let now = 0;
  const asked: string[] = [];
  const ask = inTurn({ now: () => now });
  return {
    asked,
    wait: (milliseconds: number) => {
      now += milliseconds;
    },
    of: (addresses: Addresses, failing: Readonly<Record<string, Failing>> = {}) =>
      ask(addresses, async (from) => {
        asked.push(from);
        const how = failing[from];
        if (how === undefined) return from;
        const [code, details] = typeof how === 'string' ? [how, {}] : how;
        throw new UpstreamError(code, `${code} of ${new URL(from).host}`, details);
      }),
  };
}

const answered = (code: UpstreamErrorCode, status: number): Failing => [code, { status }];
const missing = answered('not-found', 404);

describe('an address by plain HTTP', () => {
  it('is asked for at its twin by HTTPS', async () => {
    const { of, asked } = setting();
    expect(await of([plain])).toBe(twin);
    expect(asked).toEqual([twin]);
  });

  it.each(['unavailable', 'timeout', 'refused', 'not-found', 'too-long', 'changed', 'host-not-allowed'] as const)(
    'is asked for as it is when its twin is %s',
    async (failure) => {
      const { of, asked } = setting();
      expect(await of([plain], { [twin]: failure })).toBe(plain);
      expect(asked).toEqual([twin, plain]);
    },
  );

  it.each([
    ['cannot be reached', 'unavailable'],
    ['is too slow', 'timeout'],
    ['has a wrong certificate', 'refused'],
    ['leads inside', 'host-not-allowed'],
    ['a proxy does not let through', answered('proxy-refused', 403)],
  ] as const)('leaves a twin alone for a while that %s', async (_what, code) => {
    const { of, asked, wait } = setting();
    await of([plain], { [twin]: code });
    await of([plain]);
    expect(asked.splice(0)).toEqual([twin, plain, plain]);
    wait(600_000);
    await of([plain]);
    expect(asked).toEqual([twin]);
  });

  it.each([
    ['lacks a file', missing],
    ['forbids a file', answered('refused', 403)],
    ['is busy', answered('unavailable', 503)],
    ['has another file', 'changed'],
  ] as const)('asks a twin for the next file that %s', async (_what, failing) => {
    const { of, asked } = setting();
    await of([plain], { [twin]: failing });
    await of([plain]);
    expect(asked).toEqual([twin, plain, twin]);
  });

  it('that cannot be reached either leaves its twin the way', async () => {
    const { of, asked } = setting();
    await expect(of([plain], { [twin]: 'unavailable', [plain]: 'timeout' })).rejects.toMatchObject({ code: 'timeout' });
    await of([plain]);
    expect(asked).toEqual([twin, plain, twin]);
  });

  it('of a file that is gone lets a twin rest that cannot be reached', async () => {
    const { of, asked } = setting();
    await expect(of([plain], { [twin]: 'timeout', [plain]: missing })).rejects.toMatchObject({ code: 'not-found' });
    await of([plain]);
    expect(asked).toEqual([twin, plain, plain]);
  });
});

describe('several addresses', () => {
  it('are asked in turn, until one serves the file', async () => {
    const { of, asked } = setting();
    expect(await of([plain, second], { [twin]: missing, [plain]: answered('unavailable', 503) })).toBe(second);
    expect(asked).toEqual([twin, plain, second]);
  });

  it('that all fail are named, each with its reason', async () => {
    const failing = { [twin]: 'timeout', [plain]: missing, [second]: 'unavailable' } as const;
    const error = await setting()
      .of([plain, second], failing)
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'unavailable',
      message: [
        `${twin}: timeout of catalog.s.download.windowsupdate.com`,
        `${plain}: not-found of download.windowsupdate.com`,
        `${second}: unavailable of www.windowsupdate.com`,
      ].join('; '),
      cause: { errors: [{ code: 'timeout' }, { code: 'not-found', status: 404 }, { code: 'unavailable' }] },
    });
  });

  it.each([
    ['all lack it', missing, missing, 'not-found'],
    ['one may have it later', ['unavailable', { status: 503, retryAfterSeconds: 9 }], missing, 'unavailable'],
    ['one forbids it', answered('refused', 403), missing, 'refused'],
    ['one has another file', missing, 'changed', 'changed'],
  ] as const)('fail by what is said of the file: %s', async (_what, first, other, code) => {
    const failing = { [twin]: 'unavailable', [plain]: first, [second]: other } as const;
    const error = setting().of([plain, second], failing);
    await expect(error).rejects.toMatchObject({ code, retryable: code === 'unavailable' });
    if (code === 'unavailable') await expect(error).rejects.toMatchObject({ status: 503, retryAfterSeconds: 9 });
  });

  it.each([
    ['the caller stops', 'aborted'],
    ['a proxy does not take the credentials', answered('proxy-refused', 407)],
    ['the credentials of a proxy cannot be read', 'proxy-refused'],
  ] as const)('are not gone through when %s', async (_what, failing) => {
    const { of, asked } = setting();
    await expect(of([plain, second], { [twin]: failing })).rejects.toMatchObject({ name: 'UpstreamError' });
    expect(asked).toEqual([twin]);
  });

  it('are judged before any is asked', async () => {
    const { of, asked } = setting();
    await expect(of([plain, 'http://evil.example/a'])).rejects.toMatchObject({ code: 'host-not-allowed' });
    expect(asked).toEqual([]);
  });
});

it('other addresses have no twin', async () => {
  const { of, asked } = setting();
  const others = [twin, second, 'https://download.windowsupdate.com/a'];
  for (const address of others) await of([address]);
  expect(asked).toEqual(others);
});

it('each twin is on the list itself', () => {
  for (const { host, httpsTwin } of microsoftHosts)
    if (httpsTwin !== undefined) {
      expect(microsoftHosts.map((one) => one.host)).toContain(httpsTwin);
      expect(httpsTwinOf(new URL(`http://${host}/`))?.href).toBe(`https://${httpsTwin}/`);
    }
});
