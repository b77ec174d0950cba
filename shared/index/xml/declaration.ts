const form =
  /^[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*$/;

/**
 * What is wrong with an XML declaration ([23] of XML 1.0), or `undefined`.
 *
 * @param inside what stands between `<?xml` and `?>`
 */
export function checkDeclaration(inside: string): string | undefined {
  const parts = form.exec(inside);
  if (parts === null) {
    return `the XML declaration says ${JSON.stringify(inside.slice(0, 80))}, allowed are version, encoding and standalone`;
  }
  const version = parts[1] ?? parts[2];
  if (version !== '1.0') return `the declared XML version is ${JSON.stringify(version)}, only 1.0 is read`;
  const encoding = parts[3] ?? parts[4];
  if (encoding === undefined || encoding.toLowerCase() === 'utf-8') return undefined;
  return `the declared encoding is ${JSON.stringify(encoding.slice(0, 80))}, only UTF-8 is read`;
}
