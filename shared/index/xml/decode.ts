const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

/**
 * The code point or character of a reference that stands between `&` and `;`.
 *
 * @returns `undefined` when it is none: an entity that is not one of the five of XML, or no number
 */
export function referenced(reference: string): string | undefined {
  const number = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(reference);
  if (number === null) return entities.get(reference);
  const point = number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : undefined;
}

const resolve = (text: string): string =>
  text.includes('&') ? text.replace(/&([^;]*);/g, (_, name: string) => referenced(name) ?? '') : text;

const normalise = (text: string, by: string): string => (text.includes('\r') ? text.replace(/\r\n?/g, by) : text);

/** From text as it is written to what it says: line ends normalised, references replaced. All of it was checked before. */
export const decodeText = (buffer: Buffer, start: number, end: number): string =>
  resolve(normalise(buffer.toString('utf8', start, end), '\n'));

/** The same of a CDATA section, where `&` is nothing special. */
export const decodeCdata = (buffer: Buffer, start: number, end: number): string =>
  normalise(buffer.toString('utf8', start, end), '\n');

/** The same of an attribute value, where each white space is a blank unless it was written as a reference. */
export const decodeValue = (buffer: Buffer, start: number, end: number): string =>
  resolve(normalise(buffer.toString('utf8', start, end), ' ').replace(/[\n\t]/g, ' '));
