import type * as z from 'zod/mini';
import { fieldsAt } from './form.ts';
import { laterSettings } from './later-settings.ts';
import type { Path } from './to-package.ts';

/** What is wrong with a value of the form, and where. */
export interface FormFault {
  readonly path: Path;
  /** A field of what is at the path, that should not be there. */
  readonly key?: string;
  /** Begins with the path in words. */
  readonly message: string;
}

/** `rules.2.age: `: rules and what is in lists are counted from 1, as verdicts do. */
export function nameOf(path: Path): string {
  if (path.length === 0) return '';
  return `${path.map((part) => (typeof part === 'number' ? part + 1 : part)).join('.')}: `;
}

/** The faults of a form in words: of what is wrong inside a list, the thing in it. */
export function faultsOf(issues: readonly z.core.$ZodIssue[], above: Path = []): readonly FormFault[] {
  return issues.flatMap((issue) => {
    const path = [...above, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField(path, key));
    if (issue.code === 'invalid_union') {
      // Of a thing or a list of them, the list was meant when it is wrong only inside.
      const inside = issue.errors.find((some) => some.length > 0 && some.every((one) => one.path.length > 0));
      if (inside !== undefined) return faultsOf(inside, path);
      // Where nothing of our own is said, what a single thing should have been says most.
      const [single] = issue.errors;
      if (single !== undefined && issue.message === 'Invalid input') return faultsOf(single, path);
    }
    return [{ path, message: `${nameOf(path)}${issue.message}${gotOf(issue.input)}` }];
  });
}

function unknownField(path: Path, key: string): FormFault {
  const { of, names } = fieldsAt(path) ?? { of: 'this', names: [] };
  const later = path[0] === 'settings' && laterSettings.has(key) ? '; no agent heeds it yet' : '';
  return { path, key, message: `${nameOf([...path, key])}no field of ${of}${later}; known are ${names.join(', ')}` };
}

function gotOf(input: unknown): string {
  if (typeof input !== 'string' && typeof input !== 'number' && typeof input !== 'boolean') return '';
  const text = JSON.stringify(input);
  return ` (got ${text.length > 80 ? `${text.slice(0, 80)}…` : text})`;
}
