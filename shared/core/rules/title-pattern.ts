/**
 * Compiles a pattern in which `*` stands for any text and `?` for one character (one UTF-16 unit), in any case.
 *
 * Between stars the leftmost place of each piece is taken and never taken back, so there is nothing to retry: a match costs
 * at most the length of the title times that of its pieces, and without `?` a plain search for each.
 *
 * @returns whether a title, in lower case, is matched as a whole
 */
export function titlePattern(pattern: string): (lowerCaseTitle: string) => boolean {
  const [first = '', ...others] = pattern.toLowerCase().split('*');
  const last = others.pop();
  if (last === undefined) return (title) => title.length === first.length && isAt(title, first, 0);
  const pieces = others.filter((piece) => piece !== '').map((text) => ({ text, exact: !text.includes('?') }));
  return (title) => {
    const end = title.length - last.length;
    if (end < first.length || !isAt(title, first, 0) || !isAt(title, last, end)) return false;
    let at = first.length;
    for (const { text, exact } of pieces) {
      const found = exact ? title.indexOf(text, at) : search(title, text, at, end);
      if (found < 0 || found + text.length > end) return false;
      at = found + text.length;
    }
    return true;
  };
}

function search(title: string, piece: string, from: number, end: number): number {
  for (let at = from; at + piece.length <= end; at += 1) if (isAt(title, piece, at)) return at;
  return -1;
}

function isAt(title: string, piece: string, at: number): boolean {
  if (at < 0 || at + piece.length > title.length) return false;
  for (let index = 0; index < piece.length; index += 1) {
    const code = piece.charCodeAt(index);
    if (code !== 63 /* ? */ && code !== title.charCodeAt(at + index)) return false;
  }
  return true;
}
