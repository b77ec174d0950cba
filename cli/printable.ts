/**
 * What a terminal obeys instead of showing it: control characters (C0, DEL, C1), the separators of lines and paragraphs,
 * and the marks that change the direction of writing (Unicode Standard Annex 9), by which a text can look like another.
 */
const unprintable = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A text of a stranger (a name in a cabinet, a title of an index, an answer of the API), fit for one line on a terminal:
 * what it would obey becomes `\x1b` or `\u202e` and the like. What was made printable already stays as it is.
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}
