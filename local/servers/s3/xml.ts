/** The little XML that S3 speaks. */
import { SaxesParser } from 'saxes';

/** An element read from a request: attributes are ignored, and so are namespaces and white space between elements. */
export interface XmlNode {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlNode[];
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Text of an XML element: either text or elements made by this function. Undefined children are left out. */
export function element(name: string, content: string | number | boolean | readonly (string | undefined)[]): string {
  const inner = Array.isArray(content)
    ? content.filter((part) => part !== undefined).join('')
    : escapeXml(String(content));
  return `<${name}>${inner}</${name}>`;
}

/** A whole document; the root gets S3's namespace when asked for. */
export function xmlDocument(root: string, options: { readonly namespace?: boolean } = {}): string {
  const body = options.namespace ? root.replace(/^<(\w+)>/, `<$1 xmlns="${NAMESPACE}">`) : root;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${body}`;
}

/**
 * Keys may hold characters that XML 1.0 cannot carry. S3 writes them as character references all the same, and leaves
 * it to the client to ask for `encoding-type=url`.
 */
function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return text.replace(/[&<>"\u0000-\u0008\u000b\u000c\u000e-\u001f\r\n\t]/g, (c) => {
    switch (c) {
      case '&':
        return '&amp;';
      case '<':
        return '&lt;';
      case '>':
        return '&gt;';
      case '"':
        return '&quot;';
      default:
        return `&#x${c.charCodeAt(0).toString(16)};`;
    }
  });
}

/** Reads a document; undefined when it is not well-formed. */
export function parseXml(text: string): XmlNode | undefined {
  interface Open {
    readonly name: string;
    text: string;
    readonly children: XmlNode[];
  }
  const parser = new SaxesParser();
  const stack: Open[] = [];
  let root: XmlNode | undefined;
  let broken = false;
  parser.on('error', () => {
    broken = true;
  });
  parser.on('opentag', (tag) => {
    const name = tag.name.slice(tag.name.indexOf(':') + 1);
    stack.push({ name, text: '', children: [] });
  });
  const addText = (part: string) => {
    const top = stack.at(-1);
    if (top) top.text += part;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const closed = stack.pop();
    if (!closed) return;
    const parent = stack.at(-1);
    if (parent) parent.children.push(closed);
    else root = closed;
  });
  parser.write(text).close();
  return broken ? undefined : root;
}

/** All children of that name. */
export function childrenOf(node: XmlNode, name: string): readonly XmlNode[] {
  return node.children.filter((child) => child.name === name);
}

/** The first child of that name. */
export function childOf(node: XmlNode, name: string): XmlNode | undefined {
  return node.children.find((child) => child.name === name);
}

/** Text of the first child of that name. */
export function textOf(node: XmlNode, name: string): string | undefined {
  return childOf(node, name)?.text;
}
