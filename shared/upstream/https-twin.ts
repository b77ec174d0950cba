/** Hosts that serve the same paths by https, as the Microsoft Update Catalog links them (hosts.ts). */
const twins: ReadonlyMap<string, string> = new Map([
  ['download.windowsupdate.com', 'catalog.s.download.windowsupdate.com'],
  ['dl.delivery.mp.microsoft.com', 'catalog.sf.dl.delivery.mp.microsoft.com'],
]);

/** The same file by https, for an address that the index spells with plain http; undefined where no such host is known. */
export function httpsTwinOf(address: URL): URL | undefined {
  const host = address.protocol === 'http:' ? twins.get(address.hostname) : undefined;
  return host === undefined ? undefined : new URL(`https://${host}${address.pathname}${address.search}`);
}
