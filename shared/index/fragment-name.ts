import type { MetMember } from '#shared/cabinet/index.ts';
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

/** The bytes of a name, and the name itself where they are not enough. */
export type NameBytes = Pick<MetMember, 'name' | 'nameLength' | 'nameByte'>;

/**
 * Reads `c/123`, `x/123`, `l/en/123` and the long names `core/123`, `extended/123`, `localized/en/123`, with either
 * separator and in either case: a whole index has 800,000 of them, so not even a string is made of most.
 *
 * @returns `undefined` for every other member
 */
export function fragmentName(member: NameBytes): FragmentName | undefined {
  const first = separatorFrom(member, 0);
  const kind = kindOf(member, first);
  if (kind === undefined) return undefined;
  const second = kind === 'localized' ? separatorFrom(member, first + 1) : first;
  if (second === -1) return undefined;
  const revisionId = numberFrom(member, second + 1);
  if (revisionId === -1) return undefined;
  if (second === first) return { kind, revisionId, language: '' };
  if (second - first === 3) {
    const language = ofTwoLetters(member.nameByte(first + 1), member.nameByte(first + 2));
    if (language !== undefined) return { kind, revisionId, language };
  }
  // Bytes and characters count alike up to here: what is no ASCII is no language either.
  const lower = member.name.slice(first + 1, second).toLowerCase();
  return isLanguage.test(lower) ? { kind, revisionId, language: lower } : undefined;
}

/** A language tag (RFC 5646), as far as tags of Windows go: `en`, `zh-tw`, `sr-latn-cs`. */
const isLanguage = /^[a-z]{2,3}(?:-[a-z0-9]{1,8})*$/;

const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
const twoLetters: readonly string[] = letters.flatMap((one) => letters.map((other) => one + other));

/** Most languages have two letters, which need no string of their own each time. */
function ofTwoLetters(one: number, other: number): string | undefined {
  const [first, second] = [one - 0x61, other - 0x61];
  return first >= 0 && first < 26 && second >= 0 && second < 26 ? twoLetters[first * 26 + second] : undefined;
}

/** @param end where the directory ends, or -1 */
function kindOf(member: NameBytes, end: number): FragmentName['kind'] | undefined {
  if (end < 1) return undefined;
  const letter = member.nameByte(0) | 0x20;
  const kind =
    letter === c ? 'core' : letter === l ? 'localized' : letter === x || letter === e ? 'extended' : undefined;
  // `e/` holds licences: only the long name begins with that letter.
  if (end === 1) return letter === e ? undefined : kind;
  if (kind === undefined) return undefined;
  return member.name.slice(0, end).toLowerCase() === kind ? kind : undefined;
}

/** @returns -1 when there is anything else than a RevisionId */
function numberFrom(member: NameBytes, start: number): number {
  const end = member.nameLength;
  if (start === end || end - start > 10) return -1;
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = member.nameByte(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number > MAX_REVISION_ID ? -1 : number;
}

/** Neither separator is ever a part of another character in UTF-8. */
function separatorFrom(member: NameBytes, start: number): number {
  for (let at = start, end = member.nameLength; at < end; at++) {
    const byte = member.nameByte(at);
    if (byte === slash || byte === backslash) return at;
  }
  return -1;
}
