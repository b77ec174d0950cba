import { describe, expect, it } from 'vitest';
import { IndexError } from '../index-error.ts';
import { type ElementPlan, type ElementPlans, elements, XmlReader } from './index.ts';

type Log = string[];

/** Reads a fragment of one chunk, unless `sizes` says otherwise. */
function read(plans: ElementPlans<Log>, xml: string, size = Number.POSITIVE_INFINITY): Log {
  const log: Log = [];
  const sink = new XmlReader('fragment', plans).begin({
    name: 'x/7',
    state: log,
    done: () => log.push('done'),
  });
  const bytes = new TextEncoder().encode(xml);
  for (let at = 0; at < bytes.length; at += size) sink.write(bytes.subarray(at, at + size));
  sink.end();
  return log;
}

const sizes = [Number.POSITIVE_INFINITY, 1, 2, 3, 7];

describe('a tree', () => {
  const tree: ElementPlan<Log>['tree'] = {
    open: (log, name, attributes) => {
      log.push(`<${name} ${attributes.names().map((each) => `${each}=${attributes.get(each)}`)}>`);
      if (name === 'Metadata') return 'skip';
      return name === 'halt' ? 'stop' : undefined;
    },
    close: (log, name) => void log.push(`</${name}>`),
    text: (log, text) => void log.push(text),
  };
  const plans = elements<Log>({
    IsInstalled: { tree, open: (log) => void log.push('open'), text: (log, text) => void log.push(`own: ${text}`) },
    Other: { text: (log, text) => void log.push(`other: ${text}`) },
  });

  it.each(sizes)('is told of every element and text inside, in order (chunks of %s bytes)', (size) => {
    const xml =
      '<IsInstalled>a<And><b.RegSz Key="K&amp;" Data=""/>t<![CDATA[<]]><!-- no -->u<Not>v</Not></And>z</IsInstalled>' +
      '<Other>x</Other><IsInstalled/>';
    expect(read(plans, xml, size)).toEqual([
      ...['open', 'a', '<And >', '<b.RegSz Key=K&,Data=>', '</b.RegSz>', 't<u', '<Not >', 'v', '</Not>', '</And>', 'z'],
      ...['own: az', 'other: x', 'open', 'own: ', 'done'],
    ]);
  });

  it('may skip an element: what is inside is not reported, its end is', () => {
    expect(read(plans, '<IsInstalled><Metadata a="1">x<b>y</b></Metadata>z<c/></IsInstalled>')).toEqual([
      ...['open', '<Metadata a=1>', '</Metadata>', 'z', '<c >', '</c>', 'own: z', 'done'],
    ]);
  });

  it('may stop the document', () => {
    expect(read(plans, '<IsInstalled><a><halt/>z</IsInstalled>')).toEqual(['open', '<a >', '<halt >', 'done']);
  });

  it('excludes children', () => {
    const plan = { tree, children: elements<Log>({}) };
    expect(() => new XmlReader('fragment', elements<Log>({ a: plan }))).toThrow(TypeError);
  });
});

describe('text', () => {
  const plans = elements<Log>({
    a: {
      text: (log, text) => void log.push(`a: ${text}`),
      children: elements<Log>({
        b: { text: (log, text) => void log.push(`b: ${text}`) },
        c: {},
        d: { open: () => 'skip', text: () => expect.unreachable() },
      }),
    },
  });

  it.each(sizes)('is that of the element itself, whatever its children are (chunks of %s bytes)', (size) => {
    const children = '1<b>2</b>3<c>no<c/>no</c>4<d>no<a>no</a></d>5<unlisted>no</unlisted>6<b/>7<!-- no --><?no no?>8';
    expect(read(plans, `no<a>${children}</a><a/>no`, size)).toEqual(['b: 2', 'b: ', 'a: 1345678', 'a: ', 'done']);
  });

  it.each(sizes)('is decoded: references, line ends and CDATA (chunks of %s bytes)', (size) => {
    const xml = '<a>é&#x6f22;&lt;\r\n\t\r]]&gt;]<![CDATA[&lt;\r\n]>]]>\r</a>';
    expect(read(plans, xml, size)).toEqual(['a: é漢<\n\t\n]]>]&lt;\n]>\n', 'done']);
  });
});

describe('stop', () => {
  const plans = elements<Log>({
    a: {
      text: (log, text) => void log.push(`a: ${text}`),
      children: elements<Log>({ halt: { open: () => 'stop', text: () => expect.unreachable() } }),
    },
  });

  it.each(sizes)('drops the rest unread, whatever it is (chunks of %s bytes)', (size) => {
    expect(read(plans, '<a>1</a><a>2<halt>\u0001 <!DOCTYPE', size)).toEqual(['a: 1', 'done']);
    expect(read(plans, '<a>1</a><a>2<halt/></b>', size)).toEqual(['a: 1', 'done']);
  });

  it('does not forgive what comes before it', () => {
    expect(() => read(plans, '<a>\u0001<halt/></a>')).toThrow(/U\+0001/);
  });

  it('shows in the sink, for that document only', () => {
    const reader = new XmlReader('fragment', plans);
    const sink = reader.begin({ name: 'first', state: [] });
    expect(sink.done).toBe(false);
    sink.write(Buffer.from('<a><halt/>'));
    expect(sink.done).toBe(true);
    sink.write(Buffer.from('<<<'));
    sink.end();
    expect(reader.begin({ name: 'second', state: [] })).toBe(sink);
    expect(sink.done).toBe(false);
    expect(() => sink.write(Buffer.from('<<<'))).toThrow(/second, byte 1/);
  });
});

describe('attributes', () => {
  const collect = (xml: string, ask: NonNullable<ElementPlan<Log>['open']>): Log =>
    read(elements<Log>({ a: { open: ask } }), xml);

  it('are decoded: references replaced, white space that is written as such turned into blanks', () => {
    const xml =
      '<a p="&lt;&#x41;&#66;&quot;&apos;&gt;&amp;amp;" q=\'"\' r="1\t2\r\n3\n4\r5&#10;&#xD;" s="é漢😀" t=""/>';
    expect(collect(xml, (log, a) => void log.push(...a.names().map((name) => a.get(name) ?? '?')))).toEqual([
      ...[`<AB"'>&amp;`, '"', '1 2 3 4 5\n\r', 'é漢😀', '', 'done'],
    ]);
  });

  it('can be had as bytes, decoded too', () => {
    const xml = '<a p="plain" q="&#x2b;é" r=""/>';
    const show = (log: Log, range: { buffer: Buffer; start: number; end: number } | undefined): void =>
      void log.push(range === undefined ? 'none' : range.buffer.toString('utf8', range.start, range.end));
    expect(
      collect(xml, (log, a) => {
        for (const name of ['q', 'p', 'r', 'unknown']) show(log, a.bytes(name));
        return undefined;
      }),
    ).toEqual(['+é', 'plain', '', 'none', 'done']);
  });

  it('of another tag are not there', () => {
    expect(collect('<b x="1"/><a y="2"/><a x="3"/>', (log, a) => void log.push(`${a.get('x')}${a.get('y')}`))).toEqual([
      ...['undefined2', '3undefined', 'done'],
    ]);
  });
});

describe('faults', () => {
  const plans = elements<Log>({
    a: {
      open: (_log, attributes) => {
        if (attributes.get('bad') !== undefined) throw new IndexError('bad-value', 'Size is "x"');
        if (attributes.get('layout') !== undefined) throw new IndexError('bad-layout', 'twice');
        if (attributes.get('bug') !== undefined) throw new RangeError('a bug');
        return undefined;
      },
      text: (_log, text) => {
        if (text === 'bad') throw new IndexError('bad-value', 'the text is "bad"');
      },
    },
  });

  it('of plans keep their code, and a bad value gets its place', () => {
    for (const size of sizes) {
      const bad = expect(() => read(plans, '<b/>é<a>x</a><a bad="1"/>', size));
      bad.toThrow(new IndexError('bad-value', 'x/7, byte 14: Size is "x"'));
      const text = expect(() => read(plans, '<b/><a>bad</a>', size));
      text.toThrow(new IndexError('bad-value', 'x/7, byte 10: the text is "bad"'));
    }
    expect(() => read(plans, '<a layout="1"/>')).toThrow(new IndexError('bad-layout', 'twice'));
    expect(() => read(plans, '<a bug="1"/>')).toThrow(new RangeError('a bug'));
  });

  it('ask for the name only when there is one, and leave the reader fit for the next document', () => {
    const reader = new XmlReader('fragment', plans);
    let asked = 0;
    const name = (): string => {
      asked += 1;
      return 'c/1';
    };
    reader.begin({ name, state: [] }).end();
    expect(asked).toBe(0);
    const sink = reader.begin({ name, state: [] });
    sink.write(Buffer.from('<a><b>'));
    expect(() => sink.write(Buffer.from('</a>'))).toThrow(/^c\/1, byte 6: an unexpected close tag: <\/a> where <\/b>/);
    expect(() => sink.write(Buffer.from('</b>'))).toThrow(TypeError);
    expect(() => sink.end()).toThrow(TypeError);
    const next = reader.begin({ name, state: [] });
    next.write(Buffer.from('<a></a>'));
    next.end();
    expect(asked).toBe(1);
  });
});

describe('bounds', () => {
  const all: ElementPlans<Log> = new Map([
    ['a', { text: (log, text) => void log.push(String(text.length)), otherChild: (log, name) => void log.push(name) }],
  ]);

  it('of names: more than are kept at a time are no trouble', () => {
    // Names of elements and of attributes, so many that the table is emptied within the document, and while they are open.
    const names = Array.from({ length: 9000 }, (_, i) => `n${i}`);
    const flat = names.map((name) => `<${name} ${name}x="1"></${name}>`).join('');
    expect(read(all, `<a>${flat}</a>`)).toEqual([...names, '0', 'done']);
    const opened = names.slice(0, 200);
    const deep = `${opened.map((name) => `<${name}>`).join('')}${flat}${opened
      .reverse()
      .map((name) => `</${name}>`)
      .join('')}`;
    expect(read(all, deep)).toEqual(['done']);
    expect(() => read(all, deep.replace('</n17>', '</n18>'))).toThrow(/<\/n18> where <\/n17>|<\/n16>/);
  });

  it.each([
    ['a name', `<${'n'.repeat(1024)}/>`, `<${'n'.repeat(1025)}/>`],
    ['a reference', `<a>&#x${'0'.repeat(50)}41;</a>`, `<a>&#x${'0'.repeat(80)}41;</a>`],
    ['attributes', `<a ${many(256)}/>`, `<a ${many(257)}/>`],
    ['depth', `${'<a>'.repeat(256)}${'</a>'.repeat(256)}`, `${'<a>'.repeat(257)}${'</a>'.repeat(257)}`],
    ['a text', `<a>${'é'.repeat(1 << 20)}</a>`, `<a>${'é'.repeat((1 << 20) + 1)}</a>`],
    ['a tag', `<a ${tag(1 << 20)}`, `<a ${tag((1 << 20) + 1)}`],
    ['a comment', comment(1 << 20), comment((1 << 20) + 1)],
  ])('of %s lie where they are said to, at any chunk size', (_name, most, more) => {
    for (const size of [Number.POSITIVE_INFINITY, 32_768, 1000]) {
      expect(read(all, most, size).at(-1)).toBe('done');
      expect(() => read(all, more, size)).toThrow(IndexError);
    }
  });

  it('of unwanted text: none, since nothing of it is kept', () => {
    expect(read(all, `<b>${'x'.repeat(3 << 20)}</b>`)).toEqual(['done']);
  });

  it.each([
    ['a tag', `<a b="${'>'.repeat(1 << 17)}"/>`],
    ['a comment', `<!--${'- >'.repeat(1 << 16)}-->`],
    ['a CDATA section', `<a><![CDATA[${']>'.repeat(1 << 16)}]]></a>`],
    ['a tag that is malformed', `<a b==${'x'.repeat(1 << 17)}`],
  ])('of time: %s in chunks of a byte is read in linear time', (_name, xml) => {
    const started = process.cpuUsage().user;
    try {
      read(all, xml, 1);
    } catch (error) {
      expect(error).toBeInstanceOf(IndexError);
    }
    // Microseconds. 100,000 bytes, looked at again for each byte, would take many seconds.
    expect(process.cpuUsage().user - started).toBeLessThan(2_000_000);
  });
});

function many(count: number): string {
  return Array.from({ length: count }, (_, i) => `a${i}=""`).join(' ');
}

/** The rest of a tag `<a `, of `bytes` in all. */
function tag(bytes: number): string {
  return `b="${'x'.repeat(bytes - '<a b=""/>'.length)}"/>`;
}

function comment(bytes: number): string {
  return `<!--${'x'.repeat(bytes - '<!---->'.length)}-->`;
}
