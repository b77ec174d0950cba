/**
 * Fills the parameters of an endpoint's path, each encoded, and appends the query.
 *
 * @example fillPath('/v1/hosts/{machineId}', { machineId: 'a b' }) // '/v1/hosts/a%20b'
 * @throws RangeError when the path has a parameter that `params` lacks
 */
export function fillPath(
  path: string,
  params: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const filled = path.replace(/\{([A-Za-z0-9]+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined || value === '') throw new RangeError(`the path ${path} needs ${name}`);
    return encodeURIComponent(value);
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.append(name, value);
  return search.size === 0 ? filled : `${filled}?${search}`;
}
