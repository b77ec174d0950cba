import { expect, it } from 'vitest';
import { outboundProxyEnv } from './binding.ts';
import { isExempt } from './no-proxy.ts';

const host = 'download.windowsupdate.com';

it.each([
  ['the name', host],
  ['the name in other letters', 'Download.WindowsUpdate.COM'],
  ['the absolute form of the name', `${host}.`],
  ['a domain', 'windowsupdate.com'],
  ['a domain with its dot', '.windowsupdate.com'],
  ['one of several', 'localhost, example.org windowsupdate.com'],
  ['everything', '*'],
])('%s is reached without the proxy', (_what, exceptions) => {
  expect(isExempt(host, exceptions)).toBe(true);
});

it.each([
  ['nothing', ''],
  ['the end of a name', 'update.com'],
  ['a name below it', `a.${host}`],
  ['a pattern, which curl knows none of', '*.windowsupdate.com'],
  ['a star among others', 'example.org,*'],
  ['dots and commas', '., ,'],
])('%s exempts it not', (_what, exceptions) => {
  expect(isExempt(host, exceptions)).toBe(false);
});

it.each([
  ['http://proxy.example:3128', true],
  ['https://proxy.example', true],
  ['http://10.0.0.7:3128/', true],
  ['http://[fd00::7]:3128', true],
  ['http://ada:secret@proxy.example:3128', false],
  ['http://proxy.example:3128/path', false],
  ['socks5://proxy.example:1080', false],
  ['proxy.example:3128', false],
])('%s is an address of a proxy: %s', (OUTBOUND_PROXY_URL, fits) => {
  expect(outboundProxyEnv.safeParse({ OUTBOUND_PROXY_URL }).success).toBe(fits);
});

it.each([
  ['*', true],
  ['windowsupdate.com,.example.org', true],
  ['*.example.org', false],
  ['example.org:8080', false],
  ['10.0.0.0/8', false],
  ['', false],
])('%j are exceptions that can be meant: %s', (OUTBOUND_NO_PROXY, fits) => {
  expect(outboundProxyEnv.safeParse({ OUTBOUND_NO_PROXY }).success).toBe(fits);
});
