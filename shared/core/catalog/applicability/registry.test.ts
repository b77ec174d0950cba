import { describe, expect, it } from 'vitest';
import { normalPath, Registry } from './registry.ts';
import type { Version } from './version.ts';

const amd64 = 9;
const x86 = 0;
const windows10: Version = [10, 0, 19045, 2006];
const vista: Version = [6, 0, 6002, 18005];
const empty = { complete: true, keys: {} };

describe('paths of keys', () => {
  it.each([
    ['\\', ''],
    ['SOFTWARE\\\\Microsoft\\', 'software\\microsoft'],
    ['Software/Microsoft', 'software\\microsoft'],
  ])('%s', (path, normal) => {
    expect(normalPath(path)).toBe(normal);
  });
});

describe('the 32-bit view', () => {
  it.each([
    ['SOFTWARE\\Microsoft\\Works', 'software\\wow6432node\\microsoft\\works'],
    ['SOFTWARE', 'software\\wow6432node'],
    ['SOFTWARE\\Wow6432Node\\Microsoft', 'software\\wow6432node\\microsoft'],
    ['SOFTWARE\\Policies\\Microsoft', 'software\\policies\\microsoft'],
    ['SOFTWARE\\PoliciesOfOthers', 'software\\wow6432node\\policiesofothers'],
    ['SOFTWAREX\\A', 'softwarex\\a'],
    ['SYSTEM\\CurrentControlSet', 'system\\currentcontrolset'],
    ['', ''],
  ])('of %s is stored as %s', (path, stored) => {
    expect(new Registry(empty, amd64, windows10).stored(path, true)).toBe(stored);
  });

  it('is the only one on 32-bit machines, and unknown where the processor is', () => {
    expect(new Registry(empty, x86, undefined).stored('SOFTWARE\\A', true)).toBe('software\\a');
    const unknown = new Registry(empty, undefined, windows10);
    expect(unknown.stored('SOFTWARE\\A', true)).toBeUndefined();
    expect(unknown.stored('SYSTEM\\A', true)).toBe('system\\a');
    expect(unknown.stored('SOFTWARE\\Policies', true)).toBe('software\\policies');
    expect(unknown.stored('SOFTWARE\\A', false)).toBe('software\\a');
    expect(unknown.stored('SOFTWARE\\WOW6432Node\\Classes\\A', false)).toBeUndefined();
  });
});

/**
 * The rows of Microsoft's table below HKEY_LOCAL_MACHINE\SOFTWARE, for Windows 7 and later and for earlier ones
 * (aa384253): S shared, R redirected, reflected or not.
 */
const rows = `
  SR Classes | SR Classes\\Appid | RR Classes\\CLSID | RR Classes\\DirectShow | SS Classes\\HCP | RR Classes\\Interface
  RR Classes\\Media Type | RR Classes\\MediaFoundation | SR Clients | SR Microsoft\\COM3
  SS Microsoft\\Cryptography\\Calais\\Current | SS Microsoft\\Cryptography\\Calais\\Readers
  SS Microsoft\\Cryptography\\Services | SS Microsoft\\CTF\\SystemShared | SS Microsoft\\CTF\\TIP | SS Microsoft\\DFS
  SS Microsoft\\Driver Signing | SS Microsoft\\EnterpriseCertificates | SR Microsoft\\EventSystem | SS Microsoft\\MSMQ
  SS Microsoft\\Non-Driver Signing | SR Microsoft\\Notepad\\DefaultFonts | SR Microsoft\\OLE | SS Microsoft\\RAS
  SR Microsoft\\RPC | SS Microsoft\\Shared Tools\\MSInfo | SS Microsoft\\SystemCertificates
  SS Microsoft\\TermServLicensing | SS Microsoft\\TransactionServer | SR Microsoft\\Windows\\CurrentVersion\\App Paths
  SS Microsoft\\Windows\\CurrentVersion\\Control Panel\\Cursors\\Schemes
  SR Microsoft\\Windows\\CurrentVersion\\Explorer\\AutoplayHandlers
  SR Microsoft\\Windows\\CurrentVersion\\Explorer\\DriveIcons | SR Microsoft\\Windows\\CurrentVersion\\Explorer\\KindMap
  SS Microsoft\\Windows\\CurrentVersion\\Group Policy | SS Microsoft\\Windows\\CurrentVersion\\Policies
  SR Microsoft\\Windows\\CurrentVersion\\PreviewHandlers | SS Microsoft\\Windows\\CurrentVersion\\Setup
  SS Microsoft\\Windows\\CurrentVersion\\Telephony\\Locations | SR Microsoft\\Windows NT\\CurrentVersion\\Console
  SS Microsoft\\Windows NT\\CurrentVersion\\FontDpi | SR Microsoft\\Windows NT\\CurrentVersion\\FontLink
  SS Microsoft\\Windows NT\\CurrentVersion\\FontMapper | SS Microsoft\\Windows NT\\CurrentVersion\\Fonts
  SS Microsoft\\Windows NT\\CurrentVersion\\FontSubstitutes | SR Microsoft\\Windows NT\\CurrentVersion\\Gre_Initialize
  SR Microsoft\\Windows NT\\CurrentVersion\\Image File Execution Options
  SR Microsoft\\Windows NT\\CurrentVersion\\Language Pack | SS Microsoft\\Windows NT\\CurrentVersion\\NetworkCards
  SS Microsoft\\Windows NT\\CurrentVersion\\Perflib | SS Microsoft\\Windows NT\\CurrentVersion\\Ports
  SS Microsoft\\Windows NT\\CurrentVersion\\Print | SS Microsoft\\Windows NT\\CurrentVersion\\ProfileList
  SS Microsoft\\Windows NT\\CurrentVersion\\Time Zones | SS Policies | SS RegisteredApplications
  RR Microsoft | RR Microsoft\\Cryptography | RR Microsoft\\Cryptography\\Calais | RR Microsoft\\Windows\\CurrentVersion
  RR Microsoft\\Windows\\CurrentVersion\\Explorer | RR Microsoft\\Windows NT\\CurrentVersion
`;
const table = rows.split(/\||\n/).flatMap((row): [key: string, now: string, before: string][] => {
  const [, now = '', before = '', key = ''] = /^([SR])([SR]) (.+)$/.exec(row.trim()) ?? [];
  return key === '' ? [] : [[key.replaceAll('\\\\', '\\'), now, before]];
});
const redirectedTo = (key: string): string =>
  key.startsWith('classes\\') || key === 'classes'
    ? `software\\classes\\wow6432node${key.slice('classes'.length)}`
    : `software\\wow6432node\\${key}`;

describe("each row of Microsoft's table", () => {
  it.each(table)('%s, and what is below it: %s, before Windows 7 %s', (key, now, before) => {
    for (const path of [key, `${key}\\Below\\It`]) {
      const lower = path.toLowerCase();
      const expected = (sharing: string): string => (sharing === 'S' ? `software\\${lower}` : redirectedTo(lower));
      const on = (windows: Version | undefined) =>
        new Registry(empty, amd64, windows).stored(`SOFTWARE\\${path}`, true);
      expect([on(windows10), on([6, 1, 7600, 0])]).toEqual([expected(now), expected(now)]);
      expect(on(vista)).toBe(expected(before));
      expect(on(undefined)).toBe(now === before ? expected(now) : undefined);
    }
  });
});

describe('links for programs that write Wow6432Node', () => {
  it.each([
    ['SOFTWARE\\Wow6432Node\\Classes', 'software\\classes\\wow6432node'],
    ['SOFTWARE\\Wow6432Node\\Classes\\CLSID\\{1}', 'software\\classes\\wow6432node\\clsid\\{1}'],
    ['SOFTWARE\\Classes\\Wow6432Node\\CLSID\\{1}', 'software\\classes\\wow6432node\\clsid\\{1}'],
    ['SOFTWARE\\Wow6432Node\\Classes\\AppID\\{1}', 'software\\classes\\appid\\{1}'],
    ['SOFTWARE\\Classes\\Wow6432Node\\TypeLib', 'software\\classes\\typelib'],
    ['SOFTWARE\\Classes\\Wow6432Node\\PROTOCOLS', 'software\\classes\\protocols'],
  ])('%s leads to %s in both views', (path, stored) => {
    const registry = new Registry(empty, amd64, windows10);
    expect([registry.stored(path, false), registry.stored(path, true)]).toEqual([stored, stored]);
  });

  it('are followed in the description too, and are there', () => {
    const keys = { 'SOFTWARE\\WOW6432Node\\Classes\\CLSID\\{1}': { v: { type: 'REG_SZ', data: 'x' } } } as const;
    const registry = new Registry({ complete: true, keys }, amd64, windows10);
    const at = (path: string, view32: boolean) => registry.value(registry.stored(path, view32) ?? '', 'v');
    expect(at('SOFTWARE\\Classes\\CLSID\\{1}', true)).toEqual({ type: 'REG_SZ', data: 'x' });
    expect(at('SOFTWARE\\Classes\\CLSID\\{1}', false)).toBeNull();
    expect(registry.key('software\\wow6432node')).toBe(true);
    // On an unknown processor nobody knows whether there are links, and so not where the key is.
    const unknown = new Registry({ complete: true, keys }, undefined, windows10);
    expect(unknown.value('software\\classes\\wow6432node\\clsid\\{1}', 'v')).toBeUndefined();
  });
});

describe('a described registry', () => {
  it('has the keys above those that it lists, and tells what is not there from what is not known', () => {
    const keys = { 'A\\B\\C': { v: { type: 'REG_SZ', data: 'x' } } } as const;
    const whole = new Registry({ complete: true, keys }, amd64, windows10);
    const part = new Registry({ complete: false, keys }, amd64, windows10);
    expect([whole.key('a'), whole.key('a\\b'), whole.key('a\\x')]).toEqual([true, true, null]);
    expect([part.key('a\\b\\c'), part.key('a\\x')]).toEqual([true, undefined]);
    expect([whole.value('a\\b\\c', 'V'), whole.value('a\\b\\c', 'w'), part.value('a\\b\\c', 'w')]).toEqual([
      { type: 'REG_SZ', data: 'x' },
      null,
      undefined,
    ]);
    expect(whole.subkeys('a')).toEqual({ names: ['b'], complete: true });
    expect(part.subkeys('a\\b\\c')).toEqual({ names: [], complete: false });
  });
});
