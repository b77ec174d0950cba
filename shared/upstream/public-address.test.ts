import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createUpstreamAgent } from './agent.ts';
import { isPublicAddress, publicLookup } from './public-address.ts';

describe('an address', () => {
  it.each(['13.107.4.50', '8.8.8.8', '172.15.255.255', '172.32.0.1', '2620:1ec:c11::200', '2a02:26f0::1'])(
    '%s is on the internet',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
  it.each([
    ...[
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '127.0.0.1',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
    ],
    ...['198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', 'fe80::1'],
    ...['fd00:ec2::254', 'ff02::1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', 'localhost', ''],
  ])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('a lookup', () => {
  const asked = (addresses: readonly string[], all: boolean) =>
    new Promise((resolve) => {
      const lookup = publicLookup((_name, _options, callback) =>
        callback(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        ),
      );
      lookup('example.org', { all }, (error, ...found) => resolve(error ?? found));
    });

  it('gives what is on the internet, one or all', async () => {
    expect(await asked(['13.107.4.50', '2620:1ec:c11::200'], false)).toEqual(['13.107.4.50', 4]);
    expect(await asked(['13.107.4.50'], true)).toEqual([[{ address: '13.107.4.50', family: 4 }]]);
  });

  it.each([[['169.254.169.254']], [['13.107.4.50', '10.0.0.1']], [[]]])('refuses %j', async (addresses) => {
    expect(await asked(addresses, true)).toMatchObject({
      code: 'ERR_PRIVATE_ADDRESS',
      message: expect.stringMatching(/^example.org leads (to .*, which is no address on the internet|nowhere)$/),
    });
  });
});

it.each([
  ['a name that leads to this machine', 'localhost', '127.0.0.1'],
  ['an address of this machine', '127.0.0.1', '127.0.0.1'],
  ['an address of this machine in six', '[::ffff:127.0.0.1]', '127.0.0.1'],
])('%s is not connected to', async (_what, host, listening) => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, listening, resolve));
  const agent = createUpstreamAgent();
  const origin = `http://${host}:${(server.address() as AddressInfo).port}`;
  await expect(agent.request({ origin, path: '/', method: 'GET' })).rejects.toMatchObject({
    code: 'ERR_PRIVATE_ADDRESS',
  });
  expect(requests).toBe(0);
  await agent.destroy();
  await new Promise((resolve) => server.close(resolve));
});
