/**
 * Names that Windows keeps for devices, whatever the extension ("Naming Files, Paths, and Namespaces", Microsoft Learn);
 * the digits may also be superscripts.
 */
const device = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)$/i;

/** Linux takes so many bytes of UTF-8 in a name, Windows as many UTF-16 units, which are never more. */
const mostBytes = 255;

/**
 * Where a member of a cabinet may be written below a folder: the parts of its path, or why it must not be written at all.
 * What one of the systems does not take for a plain name is refused, whatever this system is.
 *
 * @param name as the cabinet says, parts separated by backslashes or slashes
 */
export function pathOfMember(name: string): { readonly parts: readonly string[] } | { readonly refusal: string } {
  const parts = name.split(/[\\/]/);
  if (parts[0] === '') return { refusal: 'its name is absolute' };
  if (/^[a-z]:/i.test(name)) return { refusal: 'its name begins with a drive letter' };
  for (const part of parts) {
    const refusal = refusalOf(part);
    if (refusal !== undefined) return { refusal };
  }
  return { parts };
}

function refusalOf(part: string): string | undefined {
  if (part === '') return 'a part of its path is empty';
  if (part === '.' || part === '..') return `its path has the part "${part}"`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(part)) return 'its name has control characters';
  // Names without the attribute that says UTF-8 are read byte by byte. These are control characters then, and letters in
  // the code pages of DOS and Windows, of which the cabinet does not say one.
  if (/[\u0080-\u009f]/.test(part)) return 'its name is in an unknown code page';
  const [wrong] = /[<>"|?*]/.exec(part) ?? [];
  if (wrong !== undefined) return `its name has the character "${wrong}", which Windows takes in no name`;
  if (Buffer.byteLength(part) > mostBytes) return `a part of its path is longer than ${mostBytes} bytes`;
  if (part.includes(':')) return 'its name has a colon, which names a stream of another file';
  if (/[. ]$/.test(part)) return 'a part of its path ends in a dot or a space, which Windows leaves out';
  const [stem = ''] = part.split('.');
  if (device.test(stem.trimEnd())) return 'its name is that of a device';
  return undefined;
}
