import { MAX_REVISION_ID } from './values.ts';

/** Which fragment a member is. */
export interface FragmentName {
  readonly kind: 'core' | 'extended' | 'localized';
  readonly revisionId: number;
  /** Lower case; empty unless the fragment is localized. */
  readonly language: string;
}

const slash = 0x2f;
const backslash = 0x5c;

/** The letters that the directories begin with, in lower case. */
const c = 0x63;
const e = 0x65;
const l = 0x6c;
const x = 0x78;

/**
 * Reads `c/123`, `x/123`, `l/en/123` and the long names `core/123`, `extended/123`, `localized/en/123`, with either
 * separator and in either case: a whole index has 800,000 of them, so hardly anything is made of them on the way.
 *
 * @returns `undefined` for every other member
 */
export function fragmentName(name: string): FragmentName | undefined {
  const first = separatorFrom(name, 0);
  const kind = kindOf(name, first);
  if (kind === undefined) return undefined;
  const second = kind === 'localized' ? separatorFrom(name, first + 1) : first;
  if (second === -1) return undefined;
  const revisionId = numberFrom(name, second + 1);
  if (revisionId === -1) return undefined;
  if (second === first) return { kind, revisionId, language: '' };
  const language = name.slice(first + 1, second);
  if (second - first === 3 && isSmall(name.charCodeAt(first + 1)) && isSmall(name.charCodeAt(first + 2))) {
    return { kind, revisionId, language };
  }
  const lower = language.toLowerCase();
  return isLanguage.test(lower) ? { kind, revisionId, language: lower } : undefined;
}

/** A language tag (RFC 5646), as far as tags of Windows go: `en`, `zh-tw`, `sr-latn-cs`. */
const isLanguage = /^[a-z]{2,3}(?:-[a-z0-9]{1,8})*$/;

/** @param end where the directory ends, or -1 */
function kindOf(name: string, end: number): FragmentName['kind'] | undefined {
  if (end < 1) return undefined;
  const letter = name.charCodeAt(0) | 0x20;
  const kind =
    letter === c ? 'core' : letter === l ? 'localized' : letter === x || letter === e ? 'extended' : undefined;
  // `e/` holds licences: only the long name begins with that letter.
  if (end === 1) return letter === e ? undefined : kind;
  return name.slice(0, end).toLowerCase() === kind ? kind : undefined;
}

const isSmall = (code: number): boolean => code >= 0x61 && code <= 0x7a;

/** @returns -1 when there is anything else than a RevisionId */
function numberFrom(name: string, start: number): number {
  if (start === name.length || name.length - start > 10) return -1;
  let number = 0;
  for (let at = start; at < name.length; at++) {
    const digit = name.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number > MAX_REVISION_ID ? -1 : number;
}

function separatorFrom(name: string, start: number): number {
  for (let at = start; at < name.length; at++) {
    const code = name.charCodeAt(at);
    if (code === slash || code === backslash) return at;
  }
  return -1;
}
