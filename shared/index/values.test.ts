import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { kbNumber } from '#shared/contract/primitives.ts';
import { kbDigits, Values } from './values.ts';
import { elements, XmlReader } from './xml/index.ts';

/** The text of an attribute as {@link Values} keeps it. */
function textOf(name: string, value: string): string {
  const values = new Values();
  let number = -1;
  const plans = elements<object>({
    File: {
      open: (_, attributes) => {
        number = values.text(name, attributes, name);
        return undefined;
      },
    },
  });
  const sink = new XmlReader('fragment', plans).begin({ name: 'x/1', state: {} });
  sink.write(Buffer.from(`<File ${name}="${value}" />`));
  sink.end();
  return values.texts.get(number);
}

describe('texts of attributes', () => {
  it.each([
    ['CreationDate', 64],
    ['FileName', 1024],
    ['Url', 2048],
    ['Other', 1024],
  ])('%s may have %d bytes, not more, and not none', (name, most) => {
    expect(textOf(name, 'é'.repeat(most / 2))).toBe('é'.repeat(most / 2));
    for (const value of ['', 'a'.repeat(most + 1)]) {
      expect(() => textOf(name, value)).toThrow(
        expect.objectContaining({
          code: 'bad-value',
          message: expect.stringMatching(`^x/1, byte 0: ${name} is ".*", allowed is a text of 1 to ${most} bytes$`),
        }),
      );
    }
  });

  it('keep a byte order mark', () => expect(textOf('FileName', '\ufeffa.cab')).toBe('\ufeffa.cab'));
});

describe('numbers of articles', () => {
  it.each(['12345', 'KB12345678', 'q123456', 'kb5101650'])('%s is one', (text) => {
    expect(z.parse(kbNumber, kbDigits(text))).toMatch(/^\d+$/);
  });

  it.each(['1234', '123456789', 'KB', '', 'KB 5101650', '5101650 ', 'KBKB5101650', 'KB5101650-v2'])(
    '%j is none, as it is none in rows and rules',
    (text) => {
      expect(kbDigits(text)).toBeUndefined();
      expect(z.safeParse(kbNumber, text).success).toBe(false);
    },
  );
});

describe('SHA-256 digests', () => {
  const digest = Uint8Array.from({ length: 32 }, (_, at) => at * 7);
  const text = Buffer.from(digest).toString('base64');

  it('are read from base64', () => {
    expect(new Values().sha256('AdditionalDigest', text)).toEqual(digest);
  });

  it.each([
    '',
    text.slice(0, -1),
    `${text}=`,
    text.replace('=', 'A'),
    `-${text.slice(1)}`,
    // Letters whose low eight bits are those of a digit.
    `\u0141${text.slice(1)}`,
    `é${text.slice(1)}`,
  ])('are refused when they are anything else: %j', (wrong) => {
    expect(() => new Values().sha256('AdditionalDigest', wrong)).toThrow('allowed is the base64 form of 32 bytes');
  });
});
