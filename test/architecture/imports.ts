import { readFileSync } from 'node:fs';
import { dirname, posix, resolve } from 'node:path';

/** One import of a source file. Paths are relative to the repository, with `/`. */
export interface Import {
  readonly from: string;
  /** A file of ours, `node:…`, or the name of a package. */
  readonly to: string;
  /** True for `import type` and for imports whose every name is a type: they vanish at run time. */
  readonly typeOnly: boolean;
  readonly line: number;
}

const statement =
  /(?:^|\n)[ \t]*(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g;

/**
 * All imports of a TypeScript source, type imports too: a bundler's list would lack those, and a use case that names
 * an adapter's type is on the wrong side of the wall already.
 */
export function importsOf(file: string, source: string, aliases: Readonly<Record<string, string>>): Import[] {
  const imports: Import[] = [];
  for (const match of withoutComments(source).matchAll(statement)) {
    const specifier = match[3] ?? match[4];
    if (specifier === undefined) continue;
    imports.push({
      from: file,
      to: resolveSpecifier(file, specifier, aliases),
      typeOnly: match[4] === undefined && (match[1] !== undefined || onlyTypeNames(match[2])),
      line: source.slice(0, match.index + match[0].indexOf(specifier)).split('\n').length,
    });
  }
  return imports;
}

/** `{ type A, type B }` imports nothing at run time. */
function onlyTypeNames(clause: string | undefined): boolean {
  const names = /^\{([^}]*)\}$/.exec(clause?.trim() ?? '')?.[1];
  if (names === undefined) return false;
  const parts = names.split(',').filter((part) => part.trim() !== '');
  return parts.length > 0 && parts.every((part) => /^\s*type\s/.test(part));
}

/** Comments become spaces, so that line numbers stay and an import in a docstring's example does not count. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^[ \t]*\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '));
}

function resolveSpecifier(file: string, specifier: string, aliases: Readonly<Record<string, string>>): string {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(file), specifier));
  const alias = Object.keys(aliases).find((pattern) => specifier.startsWith(pattern.replace('*', '')));
  if (alias !== undefined) {
    const rest = specifier.slice(alias.length - 1);
    return posix.normalize((aliases[alias] ?? '').replace('*', rest));
  }
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The `imports` of package.json: `#shared/*` and its like. */
export function readAliases(root: string): Record<string, string> {
  return JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')).imports;
}

export const repositoryRoot = resolve(dirname(new URL(import.meta.url).pathname), '../..');
