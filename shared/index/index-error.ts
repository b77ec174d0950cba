/**
 * Why a file could not be read as an index.
 *
 * - `not-an-index`: a readable file of another kind (an .msu, an export of WSUS, no cabinet at all).
 * - `bad-cab`: the cabinet, or one inside it, is damaged or of an unknown kind; `cause` is the CabError.
 * - `bad-layout`: cabinets and XML are sound, but what is in them does not fit together.
 * - `bad-xml`: a member is not well-formed, or exceeds the bounds of `xml/`.
 * - `bad-value`: well-formed, but a GUID, digest or number is none.
 */
export type IndexErrorCode = 'not-an-index' | 'bad-cab' | 'bad-layout' | 'bad-xml' | 'bad-value';

/** The one error of this room. The message says which member is wrong, and where. */
export class IndexError extends Error {
  override readonly name = 'IndexError';
  readonly code: IndexErrorCode;

  constructor(code: IndexErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const MAX_NAME_CHARACTERS = 120;

/**
 * A name out of a file, for a message: as it is when it is plain, else in quotes with everything escaped that could pass
 * for something else on a terminal.
 */
export function quoted(name: string): string {
  const clipped = name.length > MAX_NAME_CHARACTERS ? `${name.slice(0, MAX_NAME_CHARACTERS)}…` : name;
  if (/^[\w.\\/ >-]+…?$/.test(clipped)) return clipped;
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(clipped).replaceAll(/[^\x20-\x7e…]/g, escaped);
}
