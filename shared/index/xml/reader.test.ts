import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexError } from '../index-error.ts';
import { type DocumentKind, type ElementPlans, elements, XmlReader } from './index.ts';

interface Seen {
  readonly items: { id: string | undefined; text: string }[];
  readonly others: string[];
  done: boolean;
}

const plans: ElementPlans<Seen> = elements<Seen>({
  list: {
    otherChild: (seen, name) => void seen.others.push(name),
    children: elements<Seen>({
      item: {
        open: (seen, attributes) => {
          seen.items.push({ id: attributes.get('id'), text: '' });
          return attributes.get('id') === 'skip me' ? 'skip' : undefined;
        },
        text: (seen, text) => {
          const item = seen.items.at(-1);
          if (item !== undefined) item.text = text;
        },
        children: elements<Seen>({ deeper: {} }),
      },
    }),
  },
});

function read(xml: string | Uint8Array, options: { chunk?: number; kind?: DocumentKind } = {}): Seen {
  const seen: Seen = { items: [], others: [], done: false };
  const reader = new XmlReader<Seen>(options.kind ?? 'whole', plans).begin({
    name: 'sample.xml',
    state: seen,
    done: () => {
      seen.done = true;
    },
  });
  const bytes = typeof xml === 'string' ? new TextEncoder().encode(xml) : xml;
  const step = options.chunk ?? Math.max(1, bytes.length);
  for (let at = 0; at < bytes.length; at += step) reader.write(bytes.slice(at, at + step));
  reader.end();
  return seen;
}

function refusal(xml: string | Uint8Array, options: { chunk?: number; kind?: DocumentKind } = {}): string {
  try {
    read(xml, options);
  } catch (error) {
    if (error instanceof IndexError && error.code === 'bad-xml') return error.message;
    throw error;
  }
  throw new Error('the document was accepted');
}

describe('what a plan asks for', () => {
  const document =
    '\ufeff<list a="x > y"><!-- a > b <item> --><item id="1">caf\u00e9 &amp; \u{1f600}</item>' +
    '<other q=\'"<">"\'><item id="no"/><deep><![CDATA[</other>]]></deep><!-- </other> --><?pi </other>?></other>' +
    '<item id="skip me"><deeper>gone</deeper>gone</item><item id="&lt;2&gt;"><deeper>not mine</deeper>mine</item><item /></list>';
  // An attribute value may hold '>' but not '<': the sample's is corrected here so that it is well-formed.
  const wellFormed = document.replace('"<">"', '">"');

  const expected = {
    items: [
      { id: '1', text: 'caf\u00e9 & \u{1f600}' },
      { id: 'skip me', text: '' },
      { id: '<2>', text: 'mine' },
      { id: undefined, text: '' },
    ],
    others: ['other'],
    done: true,
  };

  it.each(['whole', 'fragment'] as const)('is read in a %s document, and nothing else', (kind) => {
    expect(read(wellFormed, { kind })).toEqual(expected);
  });

  it('may follow a declaration, in a whole document', () => {
    expect(read(`<?xml version="1.0" encoding="UTF-8"?>${wellFormed.slice(1)}`)).toEqual(expected);
  });

  it('does not depend on how the bytes are cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.constantFrom('whole', 'fragment'), (chunk, kind) => {
        expect(read(wellFormed, { chunk, kind })).toEqual(expected);
      }),
      { numRuns: 80 },
    );
  });

  it('may be several siblings without a root in a fragment, and in no other document', () => {
    const siblings = '<list><item id="a"/></list><b.Processor Architecture="9" /><list><item id="b"/></list>';
    expect(read(siblings, { kind: 'fragment' }).items.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(refusal(siblings)).toMatch(/sample\.xml, byte \d+/);
  });

  it('is read from one document after the other', () => {
    const reader = new XmlReader<Seen>('fragment', plans);
    for (const id of ['1', '2']) {
      const seen: Seen = { items: [], others: [], done: false };
      const sink = reader.begin({ name: id, state: seen });
      sink.write(new TextEncoder().encode(`<list><other><a/></other><item id="${id}"/></list>`));
      expect(() => reader.begin({ name: 'too early', state: seen })).toThrow(TypeError);
      sink.end();
      expect(seen.items).toEqual([{ id, text: '' }]);
    }
  });

  it('is not confused by elements called like properties of objects', () => {
    expect(read('<list><constructor/><__proto__/><toString/></list>').others).toEqual([
      'constructor',
      '__proto__',
      'toString',
    ]);
  });
});

describe.each(['whole', 'fragment'] as const)('what is refused in a %s document', (kind) => {
  it.each([
    ['a document type', '<!DOCTYPE list [<!ENTITY a "b">]><list/>', /document type|doctype/],
    ['a document type in a skipped element', '<list><other><!DOCTYPE x></other></list>', /document type|doctype/],
    ['an unknown entity', '<list><item id="1">&a;</item></list>', /entity/],
    ['an unclosed element', '<list><item id="1">', /unclosed/],
    ['an unclosed element that is passed over', '<list><other><a></a>', /ends within an element|unclosed tag/],
    [
      'a skipped element that is closed too early',
      '<list><other></list>',
      /ends within an element|unexpected close tag/,
    ],
    ['an unclosed tag', '<list><item id="1"', /ends within a tag|unclosed tag/],
    ['a wrong end tag', '<list><item id="1"></list></item>', /close tag/],
    ['an attribute twice', '<list><item id="1" id="2"/></list>', /duplicate attribute/],
    ['an attribute without quotes', '<list><item id=1/></list>', /quot/],
    ['a control character', '<list><item id="1">\u0001</item></list>', /disallowed character/],
  ])('%s', (_name, xml, message) => {
    expect(refusal(xml, { kind })).toMatch(message);
    expect(refusal(xml, { kind, chunk: 1 })).toMatch(message);
  });

  it('bytes that are not UTF-8', () => {
    expect(refusal(Uint8Array.of(0x3c, 0x6c, 0xff, 0x3e), { kind })).toMatch(/not UTF-8/);
    expect(refusal(Buffer.from('\ufeff<list/>', 'utf16le'), { kind })).toMatch(/not UTF-8/);
    expect(refusal(Buffer.from('<list/>\u00e9').subarray(0, 8), { kind })).toMatch(/not UTF-8/);
  });

  it('elements nested too deep, wanted or not', () => {
    expect(refusal('<list>'.repeat(1000), { kind })).toMatch(/nested more than 256 deep/);
    expect(refusal(`<list><other>${'<a>'.repeat(1000)}`, { kind })).toMatch(/nested more than 256 deep/);
  });

  it('a tag, a text, a comment or a list of attributes without end', () => {
    const long = 'x'.repeat((1 << 20) + 1);
    expect(refusal(`<list><item id="${long}`, { kind })).toMatch(/a (tag|text).* has more than/);
    expect(refusal(`<list><other><item id="${long}`, { kind })).toMatch(/a (tag|text).* has more than/);
    expect(refusal(`<list><!-- ${long}`, { kind })).toMatch(/a (tag|text).* has more than/);
    // What looks like the end of a comment is its beginning.
    expect(refusal(`<list><!-->${long}`, { kind })).toMatch(/a (tag|text).* has more than/);
    expect(refusal(`<list><!-->${long.repeat(4)} --></list>`, { kind, chunk: 4096 })).toMatch(
      /a (tag|text).* has more/,
    );
    expect(refusal(`<list><![CDATA[>${long}`, { kind })).toMatch(/a (tag|text).* has more than/);
    expect(refusal(`<list><?a >${long}`, { kind })).toMatch(/a (tag|text).* has more than/);
    expect(refusal(`<list><item>${long}`, { kind, chunk: 65_536 })).toMatch(/a (tag|text).* has more than/);
    expect(refusal(`<list><item>${`${long.slice(0, 1000)}<deeper/>`.repeat(1100)}`, { kind })).toMatch(
      /a (tag|text).* has more than/,
    );
    const many = Array.from({ length: 300 }, (_, i) => `a${i}="1"`).join(' ');
    expect(refusal(`<list><item ${many}/></list>`, { kind })).toMatch(/more than 256 attributes/);
  });
});

it.each([
  ['text after the root', '<list/>more', /text data outside of root/],
  ['nothing at all', '', /root element/],
  ['another encoding', '<?xml version="1.0" encoding="utf-16"?><list/>', /utf-16/],
])('%s is refused in a whole document', (_name, xml, message) => {
  expect(refusal(xml)).toMatch(message);
  expect(refusal(xml, { chunk: 1 })).toMatch(message);
});

it('passes over 128 MB and keeps none of it', () => {
  const seen: Seen = { items: [], others: [], done: false };
  const reader = new XmlReader<Seen>('fragment', plans).begin({ name: 'big', state: seen });
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const block = encode(
    '<component name="a" version="6.1.7601.23140"><file name="b.dll" hash="c"/></component>'.repeat(760),
  );
  reader.write(encode('<list><other>'));
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  for (let bytes = 0; bytes < 128 << 20; bytes += block.length) reader.write(block);
  const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before;
  reader.write(encode('</other><item id="last"/></list>'));
  reader.end();
  expect(seen.items.map(({ id }) => id)).toEqual(['last']);
  // Garbage that is not collected yet counts too; what was passed over would be far more.
  expect(grown).toBeLessThan(64 << 20);
});
