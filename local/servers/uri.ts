/** Percent-encoding as Signature Version 4 wants it, and queries as they come over the wire. */

/** Percent-encodes everything except `A-Z a-z 0-9 - . _ ~`, as SigV4 asks (encodeURIComponent leaves five more). */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * Name and value of each query parameter in the order sent, decoded. A plus sign is a space, as S3 reads it. What is not
 * percent-encoded UTF-8 stays as it is (and so never fits a signature).
 */
export function parseQuery(query: string): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = at < 0 ? part : part.slice(0, at);
    const value = at < 0 ? '' : part.slice(at + 1);
    pairs.push([decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))]);
  }
  return pairs;
}

/** Percent-decodes; text that is not percent-encoded UTF-8 stays as it is. */
function decode(text: string): string {
  return decodeUri(text) ?? text;
}

/** Percent-decodes; undefined for text that is not percent-encoded UTF-8. */
export function decodeUri(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
