/** One option of a configuration file. */
interface IniEntry {
  /** Lower case, as the key. */
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

export interface ReadIni {
  readonly entries: readonly IniEntry[];
  readonly faults: readonly { readonly line: number; readonly message: string }[];
}

/**
 * Reads what Python's `configparser` reads, as far as WAPT's files need it: sections, `key = value` or `key: value`, whole
 * lines of comment (`;` or `#`), and lines further in than the option before, whose value they continue.
 */
export function readIni(text: string): ReadIni {
  const entries: IniEntry[] = [];
  const faults: { line: number; message: string }[] = [];
  const seen = new Map<string, number>();
  let section: string | undefined;
  /** Of the option before, in characters. */
  let indent = 0;
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === '' || content.startsWith(';') || content.startsWith('#')) continue;
    const last = entries.at(-1);
    const ownIndent = raw.length - raw.trimStart().length;
    if (ownIndent > indent && last !== undefined && last.section === section) {
      entries[entries.length - 1] = { ...last, value: last.value === '' ? content : `${last.value},${content}` };
      continue;
    }
    const heading = /^\[([^\]]+)\]$/.exec(content)?.[1];
    if (heading !== undefined) {
      section = heading.trim().toLowerCase();
      continue;
    }
    const [, name = '', value = ''] = /^([^=:]+)[=:](.*)$/.exec(content) ?? [];
    const key = name.trim().toLowerCase();
    if (key === '' || section === undefined) {
      faults.push({
        line,
        message: `expected [section] or option = value, got ${JSON.stringify(content.slice(0, 80))}`,
      });
      continue;
    }
    const before = seen.get(`${section}\n${key}`);
    if (before !== undefined) faults.push({ line, message: `${key} stands in line ${before} already` });
    indent = ownIndent;
    seen.set(`${section}\n${key}`, line);
    entries.push({ section, key, value: value.trim(), line });
  }
  return { entries, faults };
}
