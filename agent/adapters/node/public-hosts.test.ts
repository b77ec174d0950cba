import type { LookupAddress } from 'node:dns';
import type { Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { startOrigin } from '#test/kit/origin.ts';
import { openAgentProcess } from '../../main.ts';
import { send } from './http.ts';
import { isPublicAddress, publicLookup } from './public-hosts.ts';

describe('addresses', () => {
  it.each(['23.50.131.1', '13.107.4.50', '172.32.0.1', '2a02:26f0::1', '2600:1901::1'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ...[
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
    ],
    ...['224.0.0.1', '255.255.255.255', '::1', '::', 'fe80::1', 'fd00::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8'],
    ...['2001:db8::1', '2002:7f00:1::', '64:ff9b::a00:1', 'ff02::1'],
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('a name', () => {
  const ask = (addresses: readonly LookupAddress[], all: boolean) =>
    new Promise((done) => {
      const resolve = ((
        _host: string,
        _options: unknown,
        found: (error: null, list: readonly LookupAddress[]) => void,
      ) => found(null, addresses)) as unknown as Parameters<typeof publicLookup>[0];
      publicLookup(resolve)('download.windowsupdate.com', { all }, (error, address) => done(error?.message ?? address));
    });
  const good = { address: '23.50.131.1', family: 4 };

  it('has the addresses that DNS says, as many as were asked for', async () => {
    expect(await ask([good], true)).toEqual([good]);
    expect(await ask([good], false)).toBe(good.address);
  });

  it('is refused as soon as one of them is inside', async () => {
    expect(await ask([good, { address: '10.0.0.1', family: 4 }], true)).toBe(
      'download.windowsupdate.com is not contacted: 10.0.0.1 is no address on the internet',
    );
    expect(await ask([], true)).toContain('it has no address');
  });

  it('that leads inside is not contacted by an agent on its way to Microsoft', async () => {
    const origin = await startOrigin();
    const agent = openAgentProcess();
    const at = (name: string) => new URL(`http://${name}:${origin.address.split(':')[1]}/`);
    const ask = (dispatcher: Dispatcher) =>
      send({ dispatcher, timeoutSeconds: 1 }, { method: 'GET', url: at('localhost') });
    try {
      await expect(ask(agent.microsoft)).rejects.toMatchObject({ code: 'forbidden-host', retryable: false });
      expect(origin.seen).toEqual([]);
      // The broker may well be on this machine.
      await (await ask(agent.dispatcher)).discard();
      expect(origin.seen).toHaveLength(1);
    } finally {
      await agent.close();
      await origin.close();
    }
  });

  it('of this machine is refused with the real DNS', async () => {
    const said = await new Promise((done) => publicLookup()('localhost', {}, (error) => done(error?.message)));
    expect(said).toMatch(/localhost is not contacted: (127\.0\.0\.1|::1) is no address/);
  });
});
