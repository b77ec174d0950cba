/**
 * Whether a host is reached without the proxy, as curl reads `no_proxy`: a name stands for itself and for all names below it,
 * with a leading dot or without; `*` alone stands for all; letter case and a dot at the end do not count.
 *
 * Names only: the hosts that this client may contact are names.
 *
 * @param exceptions names with commas or blanks between them
 */
export function isExempt(host: string, exceptions: string): boolean {
  const entries = exceptions.split(/[\s,]+/).filter((entry) => entry !== '');
  if (entries.length === 1 && entries[0] === '*') return true;
  const name = plain(host);
  return entries.some((entry) => {
    const domain = plain(entry.replace(/^\./, ''));
    return domain !== '' && (name === domain || name.endsWith(`.${domain}`));
  });
}

const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '');
