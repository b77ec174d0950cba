import { expect, it } from 'vitest';
import { microsoftAddress, microsoftHosts } from './hosts.ts';
import { httpsTwinOf } from './https-twin.ts';

it('is the same path and query on a listed host, by https', () => {
  const twins = microsoftHosts.flatMap(({ host }) => httpsTwinOf(new URL(`http://${host}/a/b.cab?P1=2`)) ?? []);
  expect(twins.map(({ href }) => href)).toEqual([
    'https://catalog.s.download.windowsupdate.com/a/b.cab?P1=2',
    'https://catalog.sf.dl.delivery.mp.microsoft.com/a/b.cab?P1=2',
  ]);
  for (const twin of twins) expect(microsoftAddress(twin.href).href).toBe(twin.href);
});

it('is not sought for what comes by https anyway', () => {
  expect(httpsTwinOf(new URL('https://download.windowsupdate.com/a'))).toBeUndefined();
});
