import { IndexError } from './index-error.ts';

const guidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const base64Form = /^[A-Za-z0-9+/]+={0,2}$/;

const bad = (what: string, got: string | undefined, allowed: string): IndexError =>
  new IndexError(
    'bad-value',
    `${what} is ${got === undefined ? 'missing' : JSON.stringify(clip(got))}, allowed is ${allowed}`,
  );

const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** A string of its own: what the parser hands over is often a window onto the whole chunk, and would keep it alive. */
export const copied = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');

/**
 * From the spellings of the index (GUIDs in either case, digests in base64) to those of the house. Each GUID and SHA-1
 * occurs many times in one publication and is kept once.
 */
export class Values {
  readonly #guids = new Map<string, string>();
  readonly #sha1s = new Map<string, string>();

  /** @returns the GUID in lower case @throws IndexError `bad-value` */
  guid(what: string, text: string | undefined): string {
    const known = text === undefined ? undefined : this.#guids.get(text);
    if (known !== undefined) return known;
    const guid = text?.toLowerCase();
    if (text === undefined || guid === undefined || !guidForm.test(guid)) throw bad(what, text, 'a GUID');
    const own = this.#guids.get(guid) ?? copied(guid);
    this.#guids.set(own, own);
    return own;
  }

  /** @returns hex @throws IndexError `bad-value` */
  sha1(what: string, base64: string | undefined): string {
    const known = base64 === undefined ? undefined : this.#sha1s.get(base64);
    if (known !== undefined) return known;
    const hex = digest(what, base64, 20);
    this.#sha1s.set(copied(base64 ?? ''), hex);
    return hex;
  }

  /** @returns hex @throws IndexError `bad-value` */
  sha256(what: string, base64: string | undefined): string {
    return digest(what, base64, 32);
  }
}

function digest(what: string, base64: string | undefined, bytes: number): string {
  const allowed = `the base64 form of ${bytes} bytes`;
  if (base64 === undefined || !base64Form.test(base64) || base64.length !== Math.ceil(bytes / 3) * 4) {
    throw bad(what, base64, allowed);
  }
  const decoded = Buffer.from(base64, 'base64');
  if (decoded.length !== bytes) throw bad(what, base64, allowed);
  return decoded.toString('hex');
}

/** A whole number from 0 up to `most`. @throws IndexError `bad-value` */
export function wholeNumber(what: string, text: string | undefined, most: number): number {
  const number = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= most)) throw bad(what, text, `a whole number up to ${most}`);
  return number;
}

/** RevisionIds are 32-bit numbers; leading zeros are legal in member names. */
export const MAX_REVISION_ID = 0xffff_ffff;

/** Text that must be there and not be empty. @throws IndexError `bad-value` */
export function required(what: string, text: string | undefined): string {
  if (text === undefined || text === '') throw bad(what, text, 'a text that is not empty');
  return copied(text);
}

/** One of several names, by what each means. @throws IndexError `bad-value` */
export function oneOf<T>(what: string, text: string | undefined, meanings: ReadonlyMap<string | undefined, T>): T {
  const meaning = meanings.get(text);
  if (meaning === undefined) {
    throw bad(what, text, [...meanings.keys()].filter((name) => name !== undefined).join(', '));
  }
  return meaning;
}
