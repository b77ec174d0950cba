/**
 * What is wrong with a cabinet.
 *
 * - `not-a-cabinet`: it does not begin with the signature `MSCF`.
 * - `truncated`: the stream ended before the cabinet did.
 * - `bad-header`: header, folder table or file table contradict themselves or the format.
 * - `bad-checksum`: a data block does not have the checksum that its header declares.
 * - `bad-data`: a data block cannot be decompressed, or the folder holds less than a member needs.
 * - `unsupported-compression`: a wanted member is packed with Quantum or with a method nobody knows.
 * - `split-set`: the cabinet is one of a set of several, which this library does not join.
 */
export type CabErrorCode =
  | 'not-a-cabinet'
  | 'truncated'
  | 'bad-header'
  | 'bad-checksum'
  | 'bad-data'
  | 'unsupported-compression'
  | 'split-set';

/** Where a {@link CabError} happened, as far as it is known. */
export interface CabErrorDetails {
  /** Byte of the cabinet, counted from 0. In an error of a nested cabinet it is a byte of the inner one. */
  readonly offset?: number | undefined;
  /** Name of the member that was read; of nested cabinets all names, outer first, joined by ` > `. */
  readonly member?: string | undefined;
  readonly cause?: unknown;
}

/** The one error that malformed cabinets cause. */
export class CabError extends Error {
  override readonly name = 'CabError';
  readonly code: CabErrorCode;
  /** Byte of the (innermost) cabinet at which the fault was noticed. */
  readonly offset?: number;
  /** Member that cannot be read because of the fault; absent when the whole cabinet cannot. */
  readonly member?: string;
  /** What is wrong, without the place. */
  readonly reason: string;

  constructor(code: CabErrorCode, reason: string, details: CabErrorDetails = {}) {
    super(inWords(reason, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.reason = reason;
    if (details.offset !== undefined) this.offset = details.offset;
    if (details.member !== undefined) this.member = details.member;
  }

  /** The same fault, seen from a cabinet that holds the faulty one as `member`. */
  within(member: string): CabError {
    const path = this.member === undefined ? member : `${member} > ${this.member}`;
    return new CabError(this.code, this.reason, { offset: this.offset, member: path, cause: this });
  }
}

function inWords(reason: string, { offset, member }: CabErrorDetails): string {
  const place = offset === undefined ? '' : ` (at byte ${offset} of the cabinet)`;
  return member === undefined ? `${reason}${place}` : `${member}: ${reason}${place}`;
}
