import { compareVersions, parseVersion } from '../catalog/applicability/version.ts';
import type { Detection } from './model.ts';

/** What of a machine detection rules ask about. Names are compared without case by whoever answers. */
export interface DetectionFacts {
  readonly windows: string;
  hotfix(kb: string): boolean;
  /** Text of a value below HKEY_LOCAL_MACHINE; `undefined` when it is not there. */
  registry(key: string, name: string): string | undefined;
  /** Version of a file, empty when it has none; `undefined` when it is not there. */
  file(path: string): string | undefined;
}

/** Rules that can be answered from facts: all but those that run something. */
export type FactDetection = Exclude<Detection, { readonly kind: 'command' }>;

/** Whether a package is installed, by its rule. */
export function isDetected(rule: FactDetection, facts: DetectionFacts): boolean {
  switch (rule.kind) {
    case 'hotfix':
      return facts.hotfix(rule.kb);
    case 'registry': {
      const value = facts.registry(rule.key, rule.name);
      if (value === undefined) return false;
      if (rule.equals !== undefined) return value === rule.equals;
      return rule.atLeast === undefined || isAtLeast(value, rule.atLeast);
    }
    case 'file': {
      const version = facts.file(rule.path);
      return version !== undefined && (rule.atLeast === undefined || isAtLeast(version, rule.atLeast));
    }
    case 'windows':
      return isAtLeast(facts.windows, rule.atLeast);
  }
}

/** A text that is no version is none that is high enough. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [has, wants] = [parseVersion(version), parseVersion(wanted)];
  return has !== undefined && wants !== undefined && compareVersions(has, wants) >= 0;
}

/** A rule in words, as it stands in the reason of what is installed. */
export function detectionInWords(rule: Detection): string {
  switch (rule.kind) {
    case 'hotfix':
      return `KB${rule.kb} is installed`;
    case 'registry': {
      const value = `HKLM\\${rule.key}, ${rule.name}`;
      if (rule.equals !== undefined) return `${value} is ${JSON.stringify(rule.equals)}`;
      return rule.atLeast === undefined ? `${value} is there` : `${value} is ${rule.atLeast} or later`;
    }
    case 'file':
      return rule.atLeast === undefined ? `${rule.path} is there` : `${rule.path} is ${rule.atLeast} or later`;
    case 'windows':
      return `Windows is ${rule.atLeast} or later`;
    case 'command':
      return `${rule.program} ends with ${rule.exitCodes.join(' or ')}`;
  }
}
