import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { parseInWords } from '#shared/contract/parse.ts';
import { type RulePackageDocument, rulePackage } from '#shared/contract/rules.ts';
import { packageForm } from './form.ts';
import { faultsOf, nameOf } from './form-faults.ts';
import { type Path, toPackage } from './to-package.ts';

/** A fault of a file, and where it is. Lines and columns from 1. */
interface PackageFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** What came of reading a file. */
export type ReadPackage =
  | { readonly success: true; readonly package: RulePackageDocument }
  | { readonly success: false; readonly faults: readonly PackageFault[] };

/** A rule package from YAML or JSON (which is YAML), or every fault of it. */
export function readPackage(text: string): ReadPackage {
  const lines = new LineCounter();
  const document = parseDocument(text.replace(/^\uFEFF/, ''), {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
  });
  const at = (offset: number, message: string): PackageFault => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  const unclear = [...document.errors, ...document.warnings];
  if (unclear.length > 0) {
    return failed(unclear.map(({ pos, code, message }) => at(pos[0], yamlWords(code, message))));
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch (cause) {
    // An alias without its anchor, or too many of them: `title: *Preview*` is one.
    if (!(cause instanceof ReferenceError)) throw cause;
    const name = /: (\S+)$/.exec(cause.message)?.[1] ?? '';
    const offset = Math.max(text.indexOf(`*${name}`), 0);
    return failed([at(offset, `${cause.message}; a text that begins with * is put in quotes`)]);
  }
  const place = (path: Path, key?: string): number => offsetOf(document, path, key);
  const form = parseInWords(packageForm, value);
  if (!form.success)
    return failed(faultsOf(form.error.issues).map(({ path, key, message }) => at(place(path, key), message)));
  const faults: PackageFault[] = [];
  const wire = toPackage(form.data, (path, message) => void faults.push(at(place(path), `${nameOf(path)}${message}`)));
  if (faults.length > 0) return failed(faults);
  const checked = parseInWords(rulePackage, wire);
  if (!checked.success) return failed(checked.faults.map((message) => at(place([]), message)));
  return { success: true, package: checked.data };
}

const failed = (faults: readonly PackageFault[]): ReadPackage => ({
  success: false,
  faults: faults.toSorted((a, b) => a.line - b.line || a.column - b.column),
});

/** What the YAML reader says, and of what people stumble over, what to write instead. */
function yamlWords(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; one file is one package';
  if (!message.startsWith('Block scalar header')) return message;
  return `${message}; a text that begins with > is put in quotes, as in '>7d'`;
}

/** Where a value stands, or where the nearest thing around it does. */
function offsetOf(document: Document.Parsed, path: Path, key?: string): number {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  if (key !== undefined && isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
    if (pair !== undefined && isNode(pair.key)) return pair.key.range?.[0] ?? 0;
  }
  if (isNode(node)) return node.range?.[0] ?? 0;
  return path.length === 0 ? 0 : offsetOf(document, path.slice(0, -1));
}
