import { describe, expect, it } from 'vitest';
import { microsoftAddress, microsoftHosts } from './hosts.ts';

describe('addresses that may be contacted', () => {
  it.each(microsoftHosts.map(({ host }) => host))('takes %s by http and https', (host) => {
    expect(microsoftAddress(`http://${host}/a/b.cab?x=1`).href).toBe(`http://${host}/a/b.cab?x=1`);
    expect(microsoftAddress(`https://${host}/a`).protocol).toBe('https:');
  });

  it('ignores letter case and a port that is the default anyway', () => {
    expect(microsoftAddress('HTTP://Download.WindowsUpdate.com:80/a').href).toBe('http://download.windowsupdate.com/a');
    expect(microsoftAddress('https://download.windowsupdate.com:443/a').port).toBe('');
  });

  it.each([
    ['a name below a listed one', 'http://evil.download.windowsupdate.com/a'],
    ['a listed one as a prefix', 'http://download.windowsupdate.com.evil.example/a'],
    ['a listed one as a suffix', 'http://evildownload.windowsupdate.com/a'],
    ['a listed one before the at sign', 'http://download.windowsupdate.com@evil.example/a'],
    ['a password', 'http://user:password@download.windowsupdate.com/a'],
    ['another port', 'http://download.windowsupdate.com:8080/a'],
    ['https on the port of http', 'https://download.windowsupdate.com:80/a'],
    ['another scheme', 'ftp://download.windowsupdate.com/a'],
    ['a file', 'file:///etc/passwd'],
    ['an address in numbers', 'http://127.0.0.1/a'],
    ['the absolute form with a dot', 'http://download.windowsupdate.com./a'],
    ['no address', 'not an address'],
    ['nothing', ''],
  ])('refuses %s', (_what, address) => {
    expect(() => microsoftAddress(address)).toThrowError(expect.objectContaining({ code: 'host-not-allowed' }));
  });
});
