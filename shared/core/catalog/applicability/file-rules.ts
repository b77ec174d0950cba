import { type Answer, allOf, holds } from './answers.ts';
import type { HostFacts } from './host-facts.ts';
import type { FileReference, FileRule } from './model.ts';
import { type Fact, joined } from './registry.ts';
import { type LoopTarget, registryValue } from './registry-rules.ts';
import { compareVersions, parseVersion } from './version.ts';

/** Whole path of a file; `null` when the registry value that should name the folder is missing. */
function wholePath(file: FileReference, facts: HostFacts, loop: LoopTarget | undefined): Fact<string> {
  if (file.prepend !== undefined) {
    const value = registryValue(file.prepend, facts, loop);
    if (value === null || value === undefined) return value;
    return value.type === 'REG_SZ' ? joined(String(value.data), file.path) : undefined;
  }
  if (file.csidl !== undefined) {
    const folder = facts.folder(file.csidl);
    return folder === undefined ? undefined : joined(folder, file.path);
  }
  return file.path.includes('%') ? undefined : file.path;
}

/**
 * A file that is missing makes any rule about it false: a check of a version implies that the file is there (Microsoft,
 * "Version Detection Logic" of the WSUS SDK).
 */
export function answerFile(rule: FileRule, facts: HostFacts, loop: LoopTarget | undefined): Answer {
  const path = wholePath(rule.file, facts, loop);
  if (path === null) return false;
  const found = path === undefined ? undefined : facts.file(path);
  if (found === undefined) return rule.file.path;
  if (found === null) return false;
  const unknown = (what: string): string => `${what} of ${rule.file.path}`;
  const version = found.version === undefined ? undefined : parseVersion(found.version);
  switch (rule.op) {
    case 'b.FileExists':
    case 'b.FileExistsPrependRegSz': {
      const answers: Answer[] = [];
      if (rule.size !== undefined) answers.push(found.size === undefined ? unknown('size') : found.size === rule.size);
      if (rule.language !== undefined) {
        answers.push(found.language === undefined ? unknown('language') : found.language === rule.language);
      }
      if (rule.version !== undefined) {
        answers.push(version === undefined ? unknown('version') : compareVersions(version, rule.version) === 0);
      }
      return allOf(answers);
    }
    case 'b.FileVersion':
    case 'b.FileVersionPrependRegSz':
      return version === undefined
        ? unknown('version')
        : holds(rule.comparison, compareVersions(version, rule.version));
    case 'b.FileSize':
    case 'b.FileSizePrependRegSz':
      return found.size === undefined ? unknown('size') : holds(rule.comparison, found.size - rule.size);
    case 'b.FileModified':
    case 'b.FileModifiedPrependRegSz':
      return answerTime(found.modified, rule.comparison, rule.time, unknown('time of change'));
    case 'b.FileCreated':
    case 'b.FileCreatedPrependRegSz':
      return answerTime(found.created, rule.comparison, rule.time, unknown('time of creation'));
  }
}

function answerTime(
  has: string | undefined,
  comparison: Parameters<typeof holds>[0],
  wants: number,
  unknown: string,
): Answer {
  const time = has === undefined ? Number.NaN : Date.parse(has);
  return Number.isNaN(time) ? unknown : holds(comparison, time - wants);
}
