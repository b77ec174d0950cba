/**
 * Which bytes and characters XML 1.0 (fifth edition, https://www.w3.org/TR/xml/) allows where. A table per question, 1
 * for yes, because one load per byte is what the tokenizer can afford.
 */
const table = (answer: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (answer(byte) ? 1 : 0));

const of = (characters: string): ReadonlySet<number> => new Set(Buffer.from(characters));
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const spaces = of(' \t\r\n');
const nameStarts = of(`:_${letters}`);
const nameParts = of(`:_${letters}-.0123456789`);

/** White space [3]. */
export const SPACE = table((byte) => spaces.has(byte));
/** Begins a name [4], of the ASCII characters. */
export const NAME_START = table((byte) => nameStarts.has(byte));
/** Goes on with a name [4a], of the ASCII characters. */
export const NAME_PART = table((byte) => nameParts.has(byte));

const stop = (characters: string): Uint8Array => {
  const stops = of(characters);
  return table((byte) => byte >= 0x80 || !isCharacter(byte) || stops.has(byte));
};
/** Needs a closer look in text [14]: markup, `]]>`, a line end to be normalised, what is not ASCII or not allowed. */
export const TEXT_STOP = stop('<&]\r');
/** Needs a closer look in an attribute value [10]: either quote and white space to be normalised too. */
export const VALUE_STOP = stop('<&"\'\t\r\n');
/** Needs a closer look in a comment, an instruction or a CDATA section. */
export const PLAIN_STOP = stop('');

/** Answers of {@link codePointAt}. */
export const CUT = -1;
export const INVALID = -2;

/**
 * The character that begins at `buffer[at]`, which is no ASCII.
 *
 * @returns its code point; CUT when `end` comes before its end; INVALID when the bytes are not UTF-8 (RFC 3629)
 */
export function codePointAt(buffer: Uint8Array, at: number, end: number): number {
  const first = buffer[at] as number;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0) return INVALID;
  let point = first & (0x7f >> length);
  for (let i = at + 1; i < at + length; i += 1) {
    if (i >= end) return CUT;
    const next = buffer[i] as number;
    if ((next & 0xc0) !== 0x80) return INVALID;
    point = (point << 6) | (next & 0x3f);
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  return point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ? INVALID : point;
}

/** Bytes of a code point in UTF-8. */
export const utf8Length = (point: number): number => (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4);

/** Whether a document may contain the character [2]. */
export function isCharacter(point: number): boolean {
  if (point < 0x20) return point === 0x09 || point === 0x0a || point === 0x0d;
  return point < 0xd800 || (point > 0xdfff && point < 0xfffe) || (point > 0xffff && point <= 0x10ffff);
}

/** First and last of ranges. */
type Ranges = readonly (readonly [number, number])[];
const startRanges: Ranges = [
  [0xc0, 0xd6],
  [0xd8, 0xf6],
  [0xf8, 0x2ff],
  [0x370, 0x37d],
  [0x37f, 0x1fff],
  [0x200c, 0x200d],
  [0x2070, 0x218f],
  [0x2c00, 0x2fef],
  [0x3001, 0xd7ff],
  [0xf900, 0xfdcf],
  [0xfdf0, 0xfffd],
  [0x10000, 0xeffff],
];
const partRanges: Ranges = [
  [0xb7, 0xb7],
  [0x300, 0x36f],
  [0x203f, 0x2040],
];
const within = (ranges: Ranges, point: number): boolean =>
  ranges.some(([first, last]) => point >= first && point <= last);

/** Whether a character that is no ASCII may begin a name [4]. */
export const beginsName = (point: number): boolean => within(startRanges, point);
/** Whether a character that is no ASCII may be in a name [4a]. */
export const isInName = (point: number): boolean => beginsName(point) || within(partRanges, point);
