import { UpstreamError } from './upstream-error.ts';

export interface MicrosoftHost {
  readonly host: string;
  /** Host that serves the same paths by HTTPS. */
  readonly httpsTwin?: string;
  /** What it serves, and where it is known from. */
  readonly knownFrom: string;
}

/**
 * Every host that this broker may contact for an index or a payload file. The list is exact: no suffix is matched,
 * because names below a shared domain can be handed to others, and a list that matches suffixes ends in an open proxy.
 * A host that is missing shows as `host-not-allowed` with its name, and is added here after its owner is known.
 */
export const microsoftHosts: readonly MicrosoftHost[] = [
  {
    host: 'download.windowsupdate.com',
    httpsTwin: 'catalog.s.download.windowsupdate.com',
    knownFrom:
      'the offline index (Microsoft, "Using WUA to scan for updates offline") and the classic files in its FileLocations',
  },
  {
    host: 'catalog.s.download.windowsupdate.com',
    knownFrom: 'the same paths by HTTPS, as the Microsoft Update Catalog links them',
  },
  {
    host: 'dl.delivery.mp.microsoft.com',
    httpsTwin: 'catalog.sf.dl.delivery.mp.microsoft.com',
    knownFrom: 'UUP files in FileLocations of the indexes of 2026',
  },
  {
    host: 'catalog.sf.dl.delivery.mp.microsoft.com',
    knownFrom: 'UUP files by HTTPS, as the Microsoft Update Catalog links them',
  },
  {
    host: 'www.windowsupdate.com',
    knownFrom: 'FileLocations of WSUSSCAN.cab, the index inside an .msu package (for instance that of KB2999226)',
  },
];

const allowed: ReadonlySet<string> = new Set(microsoftHosts.map(({ host }) => host));

/**
 * The address, when it is one that this broker may contact: http or https on the default port, no user name or
 * password, a listed host spelt exactly (letter case aside, which URLs ignore).
 *
 * Plain http is allowed because that is how the index spells most addresses; what arrives is proved by its digests.
 *
 * @throws UpstreamError `host-not-allowed`
 */
export function microsoftAddress(address: string, base?: URL): URL {
  const refuse = (why: string, cause?: unknown): never => {
    throw new UpstreamError('host-not-allowed', `${JSON.stringify(address)} is not contacted: ${why}`, { cause });
  };
  let url: URL;
  try {
    url = new URL(address, base);
  } catch (cause) {
    return refuse('not an address', cause);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return refuse('only http and https are allowed');
  if (url.username !== '' || url.password !== '') return refuse('it carries credentials');
  // The URL parser leaves the port empty when it is the scheme's default.
  if (url.port !== '') return refuse(`port ${url.port} is not the default of ${url.protocol.slice(0, -1)}`);
  if (!allowed.has(url.hostname)) return refuse(`${url.hostname} is not one of Microsoft's hosts (shared/upstream)`);
  return url;
}

const twins: ReadonlyMap<string, string> = new Map(
  microsoftHosts.flatMap(({ host, httpsTwin }) => (httpsTwin === undefined ? [] : [[host, httpsTwin] as const])),
);

/** The same file by HTTPS, for an address by plain HTTP whose host has such a twin. */
export function httpsTwinOf(url: URL): URL | undefined {
  const twin = url.protocol === 'http:' ? twins.get(url.hostname) : undefined;
  return twin === undefined ? undefined : new URL(`https://${twin}${url.pathname}${url.search}`);
}
