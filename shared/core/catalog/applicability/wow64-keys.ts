/**
 * Which registry keys 32-bit programs share with 64-bit ones, and where those of their own are stored.
 *
 * Source: Microsoft, "Registry Keys Affected by WOW64" (learn.microsoft.com, aa384253; text of MicrosoftDocs/win32,
 * desktop-src/WinProg64/shared-registry-keys.md): the table of redirected and shared keys and the list of symbolic links.
 */
import type { Version } from './version.ts';

/** `shared-since-7`: shared from Windows 7 and Server 2008 R2 on, redirected before. */
type Sharing = 'shared' | 'redirected' | 'shared-since-7';

const since7 = (...keys: readonly string[]): [string, Sharing][] => keys.map((key) => [key, 'shared-since-7']);
const shared = (...keys: readonly string[]): [string, Sharing][] => keys.map((key) => [key, 'shared']);
const redirected = (...keys: readonly string[]): [string, Sharing][] => keys.map((key) => [key, 'redirected']);
const below = (parent: string, keys: readonly [string, Sharing][]): [string, Sharing][] =>
  keys.map(([key, sharing]) => [`${parent}\\${key}`, sharing]);

/**
 * The rows below HKEY_LOCAL_MACHINE, in lower case. A key does as the nearest one above it that has a row, and is shared
 * where none has. "Redirected and reflected" is redirected: reflection kept two stored copies alike, and a description
 * says what is stored. Two rows are written as the keys are called: the page has `TransactionServer`, and repeats
 * `SOFTWARE\Microsoft` inside the path of MSInfo.
 */
const table: ReadonlyMap<string, Sharing> = new Map([
  ...redirected('software'),
  ...below('software', [
    ...since7('classes', 'clients'),
    ...redirected('classes\\clsid', 'classes\\directshow', 'classes\\interface', 'classes\\media type'),
    ...redirected('classes\\mediafoundation'),
    ...shared('classes\\hcp', 'policies', 'registeredapplications'),
  ]),
  ...below('software\\microsoft', [
    ...since7('com3', 'eventsystem', 'notepad\\defaultfonts', 'ole', 'rpc'),
    ...shared('cryptography\\calais\\current', 'cryptography\\calais\\readers', 'cryptography\\services'),
    ...shared('ctf\\systemshared', 'ctf\\tip', 'dfs', 'driver signing', 'enterprisecertificates', 'msmq'),
    ...shared('non-driver signing', 'ras', 'shared tools\\msinfo', 'systemcertificates', 'termservlicensing'),
    ...shared('transaction server', 'transactionserver'),
  ]),
  ...below('software\\microsoft\\windows\\currentversion', [
    ...since7(
      'app paths',
      'explorer\\autoplayhandlers',
      'explorer\\driveicons',
      'explorer\\kindmap',
      'previewhandlers',
    ),
    ...shared('control panel\\cursors\\schemes', 'group policy', 'policies', 'setup', 'telephony\\locations'),
  ]),
  ...below('software\\microsoft\\windows nt\\currentversion', [
    ...since7('console', 'fontlink', 'gre_initialize', 'image file execution options', 'language pack'),
    ...shared('fontdpi', 'fontmapper', 'fonts', 'fontsubstitutes', 'networkcards', 'perflib', 'ports', 'print'),
    ...shared('profilelist', 'time zones'),
  ]),
]);

/** Whether the key or one above it is `parent`. */
const isIn = (path: string, parent: string): boolean => path === parent || path.startsWith(`${parent}\\`);

const asked32 = 'software\\wow6432node';
const classes32 = 'software\\classes\\wow6432node';

/** From Windows 7 on, these keys of the 32-bit classes are those of all. */
const linkedSince7 = ['appid', 'protocols', 'typelib'];

const isSince7 = (windows: Version): boolean => windows[0] > 6 || (windows[0] === 6 && windows[1] >= 1);

/**
 * Where the key that 32-bit programs see at this path is found by 64-bit programs, on a Windows that has two views.
 *
 * @param path lower case, single backslashes, none at the ends
 * @param windows its version
 * @returns `undefined` when it depends on the version and that is not known
 */
export function redirectedPath(path: string, windows: Version | undefined): string | undefined {
  if (isIn(path, asked32) || isIn(path, classes32)) return path;
  let row = path;
  while (!table.has(row) && row.includes('\\')) row = row.slice(0, row.lastIndexOf('\\'));
  const sharing = table.get(row) ?? 'shared';
  if (sharing === 'shared') return path;
  if (sharing === 'shared-since-7') {
    if (windows === undefined) return undefined;
    if (isSince7(windows)) return path;
  }
  return `${asked32}${path.slice('software'.length)}`;
}

/**
 * The place that symbolic links lead to from this path, on a Windows that has two views.
 *
 * @returns `undefined` when it depends on the version and that is not known
 */
export function linkedPath(path: string, windows: Version | undefined): string | undefined {
  const place = isIn(path, `${asked32}\\classes`) ? `${classes32}${path.slice(`${asked32}\\classes`.length)}` : path;
  const linked = linkedSince7.find((key) => isIn(place, `${classes32}\\${key}`));
  if (linked === undefined) return place;
  if (windows === undefined) return undefined;
  return isSince7(windows) ? `software\\classes${place.slice(classes32.length)}` : place;
}
