import { Buffer } from 'node:buffer';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text of an element or of an attribute in double quotes. */
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => entities[character] ?? '');

/** Attributes in the order given, each with a space before it; undefined ones are left out. */
export const attributes = (values: Readonly<Record<string, string | number | boolean | undefined>>): string =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('');

/** An element with text, for each of the texts. */
export const elements = (name: string, texts: readonly string[]): string =>
  texts.map((text) => `<${name}>${escaped(text)}</${name}>`).join('');

/** The index spells digests in base64. */
export const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
