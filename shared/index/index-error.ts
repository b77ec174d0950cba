/**
 * Why a file could not be read as an index.
 *
 * - `not-an-index`: a readable file of another kind (an .msu, an export of WSUS, no cabinet at all).
 * - `bad-cab`: the cabinet, or one inside it, is damaged or of an unknown kind; `cause` is the CabError.
 * - `bad-layout`: cabinets and XML are sound, but what is in them does not fit together.
 * - `bad-xml`: a member is not well-formed, or exceeds the bounds of `xml.ts`.
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
