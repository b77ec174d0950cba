import { MAX_REVISION_ID } from './values.ts';

/** Which fragment a member is. */
export interface FragmentName {
  readonly kind: 'core' | 'extended' | 'localized';
  readonly revisionId: number;
  /** Lower case; empty unless the fragment is localized. */
  readonly language: string;
}

const directories: ReadonlyMap<string, FragmentName['kind']> = new Map([
  ['c', 'core'],
  ['core', 'core'],
  ['x', 'extended'],
  ['extended', 'extended'],
  ['l', 'localized'],
  ['localized', 'localized'],
]);

/**
 * Reads `c/123`, `x/123`, `l/en/123` and the long names `core/123`, `extended/123`, `localized/en/123`, with either
 * separator and in either case: a whole index has 800,000 of them, so no list of parts is made.
 *
 * @returns `undefined` for every other member
 */
export function fragmentName(name: string): FragmentName | undefined {
  const first = separatorFrom(name, 0);
  if (first === -1) return undefined;
  const kind = directories.get(name.slice(0, first).toLowerCase());
  if (kind === undefined) return undefined;
  let language = '';
  let at = first + 1;
  if (kind === 'localized') {
    const second = separatorFrom(name, at);
    if (second === -1) return undefined;
    language = name.slice(at, second).toLowerCase();
    at = second + 1;
  }
  if (at === name.length || name.length - at > 10) return undefined;
  let revisionId = 0;
  for (; at < name.length; at++) {
    const digit = name.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    revisionId = revisionId * 10 + digit;
  }
  return revisionId > MAX_REVISION_ID ? undefined : { kind, revisionId, language };
}

function separatorFrom(name: string, start: number): number {
  for (let at = start; at < name.length; at++) {
    const code = name.charCodeAt(at);
    if (code === 0x2f || code === 0x5c) return at;
  }
  return -1;
}
